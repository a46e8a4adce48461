import { Cron } from 'croner';
import { describe, expect, it } from 'vitest';
import { problemOfSchedule, scheduleSetting, timesIn31Days } from '../../src/lib/schedule';
import { problemOf } from '../../src/lib/settingReader';

describe('a schedule', () => {
  it.each([
    '* * * * * *',
    '0 */30 * * * *',
    ' 0  0 9-17 * * 1-5 ',
    '0,30 5/15 0 1,15 Jan-Mar Mon',
    '0 0 0 29 2 *',
    '0 0 0 31 */2 Sunday',
    '*/5 * * * *',
    '00:00:05',
    '1.00:00:00',
  ])('may be %j', (text) => expect(problemOfSchedule(text)).toBeUndefined());

  it.each([
    ['every second', 'it has 2 fields: there must be six fields, seconds first, or five, minutes first'],
    ['hourly', 'it has 1 field: '],
    ['0 0 0 1 1 * 2026', 'it has 7 fields: '],
    ['@ daily x y z', 'minutes are 0 to 59'],
    ['60 * * * * *', 'seconds are 0 to 59, as in 1 or 1-5 or 1,3 or */2'],
    ['* 60 * * * *', 'minutes are 0 to 59'],
    ['* * 24 * * *', 'hours are 0 to 23'],
    ['* * * 0 * *', 'days are 1 to 31'],
    ['* * * * 13 *', 'months are 1 to 12, or names like feb'],
    ['* * * * Foo *', 'months are 1 to 12, or names like feb'],
    ['* * * * * 7', 'days of the week are 0 (Sunday) to 6, or names like mon'],
    ['* * * * 7', 'days of the week are 0 (Sunday) to 6, or names like mon'],
    ['*/0 * * * * *', 'seconds are 0 to 59'],
    ['5-1 * * * * *', 'seconds are 0 to 59'],
    ['1, * * * * *', 'seconds are 0 to 59'],
    ['Mon * * * * *', 'seconds are 0 to 59'],
    ['0 0 0 L * *', 'L, W, # and ? are unknown to NCRONTAB'],
    ['0 0 0 31 2,4 *', 'it never fires, because no such day exists'],
    ['00:00:00', 'the time span must be hh:mm:ss and longer than zero'],
    ['0:5', 'the time span must be hh:mm:ss and longer than zero'],
  ])('may not be %j', (text, problem) => expect(problemOfSchedule(text)).toContain(problem));
});

describe('the setting of a schedule', () => {
  const tides = scheduleSetting('TIDES_SCHEDULE', 'When the tides are asked for.');
  const expected =
    'expected an NCRONTAB expression like `0 */30 * * * *` (every half hour; the first field is the second), or a time span like 00:30:00, but not on Consumption plans.';

  it('says by name what is wrong, what is accepted, and an example', () => {
    expect(problemOf(tides, { TIDES_SCHEDULE: 'every second' })).toBe(
      `TIDES_SCHEDULE is malformed (it has 2 fields: there must be six fields, seconds first, or five, minutes first): ${expected}`,
    );
    expect(problemOf(tides, {})).toBe(`TIDES_SCHEDULE is missing: ${expected}`);
    expect(problemOf(tides, { TIDES_SCHEDULE: '"0 * * * * *"' })).toBe(
      'TIDES_SCHEDULE is in quotes: remove them.',
    );
    expect(problemOf(tides, { TIDES_SCHEDULE: '0 * * * * *' })).toBeUndefined();
  });

  it.each(['Dynamic', 'FlexConsumption'])('takes no time span on the plan %s', (WEBSITE_SKU) => {
    expect(problemOf(tides, { TIDES_SCHEDULE: '00:00:05', WEBSITE_SKU })).toBe(
      `TIDES_SCHEDULE is a time span, for which Consumption plans do not wake the app: ${expected}`,
    );
    expect(problemOf(tides, { TIDES_SCHEDULE: '*/5 * * * * *', WEBSITE_SKU })).toBeUndefined();
  });

  it.each(['ElasticPremium', undefined])('takes a time span elsewhere: %s', (WEBSITE_SKU) => {
    expect(problemOf(tides, { TIDES_SCHEDULE: '00:00:05', WEBSITE_SKU })).toBeUndefined();
  });
});

describe('the times in 31 days', () => {
  const from = Date.UTC(2026, 1, 1);

  it.each([
    ['00:30:00', 1488],
    ['1.00:00:00', 31],
    ['*/2 * * * * *', 1_339_200],
    ['5,5,7 * * * *', 1488],
  ])('of %j are %d', (schedule, times) => expect(timesIn31Days(schedule, from)).toBe(times));

  it.each([
    '0 */30 * * * *',
    '0 0 9-17 * * 1-5',
    '0,30 5/15 0 1,15 Jan-Mar Mon',
    '0 0 0 13 * Fri',
    '0 0 0 * Apr *',
  ])('of %j are those of the scheduler of the local host', (schedule) => {
    const cron = new Cron(schedule, { timezone: 'UTC', domAndDow: true, sloppyRanges: true, paused: true });
    let times = 0;
    const end = from + 31 * 24 * 3600 * 1000;
    for (
      let next = cron.nextRun(new Date(from - 1000));
      next && next.getTime() < end;
      next = cron.nextRun(next)
    )
      times++;
    expect(timesIn31Days(schedule, from)).toBe(times);
  });
});
