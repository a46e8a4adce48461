import { expect, it } from 'vitest';
import type { Sides } from '../../../../src/lib/warehouse/check/slices';
import { Slices, startsOf } from '../../../../src/lib/warehouse/check/slices';

const minute = (iso: string) => Date.parse(`${iso}Z`) / 60_000;
const starts = (rows: Readonly<Record<string, number>>, most = 10) =>
  startsOf(new Map(Object.entries(rows).map(([iso, count]) => [minute(iso), count])), most).map((start) =>
    new Date(start * 60_000).toISOString().slice(0, 16),
  );

it('cuts a table by days, with days without rows on their own', () => {
  expect(starts({ '2026-01-05T08:00': 3, '2026-01-02T23:59': 1, '2026-01-03T00:00': 1 })).toEqual([
    '2026-01-02T00:00',
    '2026-01-03T00:00',
    '2026-01-04T00:00',
    '2026-01-05T00:00',
    '2026-01-06T00:00',
  ]);
});

it('cuts days with many rows, but no minute', () => {
  const rows = {
    '2026-01-02T01:00': 4,
    '2026-01-02T02:00': 6,
    '2026-01-02T03:00': 1,
    '2026-01-02T04:00': 70,
  };
  expect(starts(rows)).toEqual([
    '2026-01-02T00:00',
    '2026-01-02T03:00',
    '2026-01-02T04:00',
    '2026-01-03T00:00',
  ]);
});

it('names no time that a column cannot hold', () => {
  expect(starts({ '9999-12-31T23:59': 1 })).toEqual(['9999-12-31T00:00']);
  expect(starts({})).toEqual([]);
});

it('has all rows of a table without times in one slice', () => {
  const table = { schema: 's', name: 't', columns: [{ name: 'a', from: 'a', type: 'int' }] } as const;
  const slices = new Slices({ table, warehouse: { kind: 'sql' } as Sides['warehouse'] }, []);
  expect(slices.all).toEqual([{ from: undefined, to: undefined }]);
  expect(slices.indexOf(['1'])).toBe(0);
});
