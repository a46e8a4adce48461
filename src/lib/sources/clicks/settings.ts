import { scheduleSetting } from '../../schedule';
import type { SettingDefinition } from '../../settingDefinitions';

/*
 * The settings of the source of made-up clicks. They apply only if a stream refers to them.
 */

export const clickstreamSchedule = scheduleSetting('CLICKSTREAM_SCHEDULE', 'When clicks are emitted.');

export const clicksPerSecond: SettingDefinition = {
  name: 'CLICKS_PER_SECOND',
  meaning:
    'How many made-up clicks are emitted, however often the schedule fires. With 0, `emitClickstream` is not registered.',
  expected: 'a number from 0 to 100000',
  default: '0',
  check(value) {
    if (!/^\d+(?:\.\d+)?$/.test(value)) return 'is malformed';
    return Number(value) > 100_000 ? 'is out of range' : undefined;
  },
  isOff: (value) => Number(value) === 0,
};
