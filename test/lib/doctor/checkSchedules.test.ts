import { expect, it } from 'vitest';
import { checkSchedules } from '../../../src/lib/doctor/checkSchedules';
import { scheduleSetting } from '../../../src/lib/schedule';
import { parseSettings } from '../../../src/lib/settings';
import { clickstream } from '../../../src/lib/streams/clickstream';
import type { Stream } from '../../../src/lib/streams/stream';

const now = Date.UTC(2026, 10, 27);

/** A stream whose source is paid for by the request. */
const tides: Stream = {
  ...clickstream,
  name: 'tides',
  hubSetting: 'TIDES_HUB',
  settings: [
    scheduleSetting('TIDES_SCHEDULE', 'When the tides are asked for.'),
    { name: 'TIDES_MONTHLY_REQUESTS', meaning: 'What is paid for.', expected: 'a number', default: '' },
  ],
};

const foundWith = (more: Record<string, string>, stream = tides) =>
  checkSchedules(
    parseSettings({
      EventHubConnection__fullyQualifiedNamespace: 'one.servicebus.windows.net',
      LakeStorage__accountName: 'one',
      CONSUMER_GROUP: 'tributary',
      ...more,
    }),
    stream,
    now,
  );

it.each([
  ['0 */30 * * * *', '1488', 'ok', '0 */30 * * * *: 1,488 times in 31 days, of 1,488 that the plan pays for'],
  [
    '0 */30 * * * *',
    '1487',
    'wrong',
    '0 */30 * * * *: 1,488 times in 31 days, and the plan pays for 1,487 (TIDES_MONTHLY_REQUESTS)',
  ],
  [
    '0 */30 * * * *',
    '',
    'ok',
    '0 */30 * * * *: 1,488 times in 31 days; TIDES_MONTHLY_REQUESTS would say whether the plan pays for them',
  ],
])('%j with a plan of %j requests is %s', (TIDES_SCHEDULE, TIDES_MONTHLY_REQUESTS, state, says) => {
  expect(foundWith({ TIDES_SCHEDULE, TIDES_MONTHLY_REQUESTS })).toMatchObject([
    { what: 'TIDES_SCHEDULE', state, says },
  ]);
});

it.each([
  ['1487', 'set TIDES_SCHEDULE to "0 0 * * * *", or take a larger plan'],
  ['50', 'set TIDES_SCHEDULE to "0 0 0 * * *", or take a larger plan'],
  ['1', 'take a larger plan'],
])('names the most frequent schedule that %s requests pay for', (TIDES_MONTHLY_REQUESTS, remedy) => {
  expect(foundWith({ TIDES_SCHEDULE: '*/10 * * * * *', TIDES_MONTHLY_REQUESTS })).toMatchObject([
    { state: 'wrong', remedy },
  ]);
});

it('compares nothing where nobody is paid', () => {
  expect(foundWith({ CLICKSTREAM_SCHEDULE: '* * * * * *' }, clickstream)).toEqual([
    { what: 'CLICKSTREAM_SCHEDULE', state: 'ok', says: '* * * * * *: 2,678,400 times in 31 days' },
  ]);
});
