import { expect, it } from 'vitest';
import { RequestProblem } from '../../../src/lib/api/answer';
import { Parameters } from '../../../src/lib/api/parameters';
import { readWindow, windowParameters } from '../../../src/lib/api/timeWindow';
import { Tally } from '../../../src/lib/counts/tally';
import { minuteMs } from '../../../src/lib/duration';

const nowMs = Date.parse('2026-03-04T05:06:07Z');

/** One row of the key 1 at each minute of the last two days. */
const tally = new Tally(nowMs);
for (let minutes = 0; minutes <= 48 * 60; minutes++) tally.add(1, null, nowMs - minutes * minuteMs);

function ask(query: Record<string, string>) {
  const window = readWindow(new Parameters(new URLSearchParams(query), windowParameters));
  const { clicks, times } = window?.at(tally, nowMs) ?? {};
  return { count: clicks?.counts[0], from: times?.from, to: times?.to };
}

it.each([
  [{ since: '2026-03-04T05:00:30Z' }, 7, '2026-03-04T05:00', '2026-03-04T05:07'],
  [{ since: '2026-03-04T06:00+01:00' }, 7, '2026-03-04T05:00', '2026-03-04T05:07'],
  [{ since: '2026-03-04T06:00 01:00' }, 7, '2026-03-04T05:00', '2026-03-04T05:07'],
  [{ since: '2026-03-04T05:00Z', until: '2026-03-04T05:02Z' }, 2, '2026-03-04T05:00', '2026-03-04T05:02'],
  [{ since: '2026-03-04T05:00Z', until: '2027-01-01T00:00Z' }, 7, '2026-03-04T05:00', '2026-03-04T05:07'],
  [{ since: '2026-03-04T03:07:00Z' }, 120, '2026-03-04T03:07', '2026-03-04T05:07'],
  [{ since: '2026-03-04T03:06:59Z' }, 127, '2026-03-04T03:00', '2026-03-04T06:00'],
  [{ since: '2026-03-03T10:30Z', until: '2026-03-03T11:00Z' }, 60, '2026-03-03T10:00', '2026-03-03T11:00'],
  [{ since: '2026-03-02T06:00Z' }, 47 * 60 + 7, '2026-03-02T06:00', '2026-03-04T06:00'],
  [{ last: '2m' }, 2, '2026-03-04T05:05', '2026-03-04T05:07'],
])('%j has %i rows, and says from when to when', (query, count, from, to) => {
  expect(ask(query)).toEqual({ count, from: `${from}:00.000Z`, to: `${to}:00.000Z` });
});

it.each([
  [
    { since: '2026-03-04T05:07Z' },
    'since',
    'a time from 1970-01-01T00:00:00.000Z up to 2026-03-04T05:06:07.000Z',
  ],
  [{ since: '1969-12-31T23:59Z' }, 'since', 'a time from 1970-01-01T00:00:00.000Z up to '],
  [{ since: '2026-03-04T05:00' }, 'since', '2026-01-02T03:04:05Z'],
  [{ since: '2026-02-30T05:00Z' }, 'since', '2026-01-02T03:04:05Z'],
  [{ since: 'yesterday' }, 'since', '2026-01-02T03:04:05Z'],
  [{ until: '2026-03-04T05:00Z' }, 'until', 'since, and until'],
  [{ since: '2026-03-04T05:00Z', until: '2026-03-04T05:00Z' }, 'until', 'later than since'],
  [{ since: '2026-03-04T05:00Z', last: '5m' }, 'last', 'last, or since'],
])('%j is refused, naming %s', (query, parameter, accepts) => {
  let problem: unknown;
  try {
    ask(query);
  } catch (error) {
    problem = error;
  }
  expect(problem).toBeInstanceOf(RequestProblem);
  expect(problem).toMatchObject({ status: 400, parameter, accepts: expect.stringContaining(accepts) });
});
