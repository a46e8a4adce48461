import { expect, it } from 'vitest';
import { parseDuration } from '../../src/lib/duration';

const all = ['ms', 's', 'm', 'h', 'd'] as const;

it.each([
  ['500ms', 500],
  ['0s', 0],
  ['1.5m', 90_000],
  ['2h', 7_200_000],
  ['1d', 86_400_000],
])('reads %s as milliseconds', (text, ms) => expect(parseDuration(text, all)).toBe(ms));

it.each(['', '5', 'm', '5 m', '-5m', '1e3s', '.5s', '5M', '5mm', '5m ', '1h30m'])(
  'takes "%s" for no duration',
  (text) => expect(parseDuration(text, all)).toBeUndefined(),
);

it('takes only the units that are accepted', () => {
  expect(parseDuration('1d', ['ms', 's', 'm'])).toBeUndefined();
  expect(parseDuration('1m', ['ms', 's', 'm'])).toBe(60_000);
});
