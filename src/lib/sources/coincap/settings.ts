import { isConfidential, isHeaderToken } from '../../confidentialUrl';
import { scheduleSetting } from '../../schedule';
import type { SettingDefinition } from '../../settingDefinitions';

/*
 * The settings of this source. They apply only if a stream refers to them.
 */

export const coincapSchedule = scheduleSetting(
  'COINCAP_SCHEDULE',
  'When the assets are asked for. Every request costs credits of the CoinCap plan, so choose a thrifty schedule, like the one in the next column.',
);

export const coincapUrl: SettingDefinition = {
  name: 'COINCAP_URL',
  meaning: 'Where the CoinCap API is.',
  // Over http, the key would be readable on the network.
  expected: 'an https URL; http only on this machine',
  default: 'https://rest.coincap.io',
  check(value) {
    const url = URL.parse(value);
    if (url && (url.username || url.password)) return 'has a user or password, which no request can carry';
    return url && isConfidential(url) ? undefined : 'is malformed';
  },
};

export const coincapApiKey: SettingDefinition = {
  name: 'COINCAP_API_KEY',
  meaning: 'The key of the CoinCap API. Without one no assets are emitted; all else works.',
  expected: 'a key of the CoinCap API',
  default: '',
  check: (value) =>
    isHeaderToken(value) ? undefined : 'has a blank, a line break or a letter that no key has',
  isOff: (key) => key === '',
};

export const coincapMonthlyRequests: SettingDefinition = {
  name: 'COINCAP_MONTHLY_REQUESTS',
  meaning:
    'How many requests the CoinCap plan pays for in a month: its credits, divided by those of one request. `npm run doctor` compares the schedule with it; the app does not use it.',
  expected: 'a whole number from 1 on',
  default: '',
  check: (value) => (/^[1-9]\d{0,14}$/.test(value) ? undefined : 'is malformed'),
};

export const coincapSettings: readonly SettingDefinition[] = [
  coincapSchedule,
  coincapUrl,
  coincapApiKey,
  coincapMonthlyRequests,
];
