import { expect, it } from 'vitest';
import { openSnapshot } from '../../../../src/lib/delta/openTable';
import type { WarehouseTable } from '../../../../src/lib/streams/stream';
import type { Sides } from '../../../../src/lib/warehouse/check/slices';
import { Slices, sliceVersion, startsOf, timeColumnOf } from '../../../../src/lib/warehouse/check/slices';
import { base, clicksTable } from '../deltaTable';

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

it.each(['sql', 'duckdb'] as const)(
  'finds the slice of a row by its minute, first or last of the slice: %s',
  (kind) => {
    const table = {
      schema: 's',
      name: 't',
      columns: [
        { name: 'a', from: 'a', type: 'int' },
        { name: 'at', from: 'at', type: 'datetime2(6)' },
      ],
    } as const;
    const warehouse = { kind } as Sides['warehouse'];
    const starts = [-2880, 0, 1440, 2000];
    const slices = new Slices({ table, warehouse }, starts);
    expect(slices.all).toEqual([
      'none',
      { from: undefined, to: -2880 },
      { from: -2880, to: 0 },
      { from: 0, to: 1440 },
      { from: 1440, to: 2000 },
      { from: 2000, to: undefined },
    ]);
    expect(slices.indexOf(['1', null])).toBe(0);
    const minuteMicros = 60_000_000;
    const micros = starts.flatMap((start) =>
      [-1, 0, 1, minuteMicros].map((after) => start * minuteMicros + after),
    );
    for (const time of [-1e16, ...micros, 1e15]) {
      const slice = slices.all[slices.indexOf(['1', String(time)])];
      if (slice === undefined || slice === 'none') throw new Error(`${time} is in no slice.`);
      expect(time).toBeGreaterThanOrEqual((slice.from ?? Number.NEGATIVE_INFINITY) * minuteMicros);
      expect(time).toBeLessThan((slice.to ?? Number.POSITIVE_INFINITY) * minuteMicros);
    }
  },
);

it('takes the time at which a row was enqueued before any other, wherever its column is', () => {
  const column = (name: string, type: 'int' | 'datetime' | 'datetime2(6)' | 'date') => ({
    name,
    from: name,
    type,
  });
  const placeIn = (...columns: ReturnType<typeof column>[]) =>
    timeColumnOf({ schema: 's', name: 't', columns });
  const [enqueued, other] = [column('enqueued_at', 'datetime2(6)'), column('at', 'datetime')];
  expect([placeIn(enqueued, other), placeIn(other, enqueued), placeIn(column('a', 'int'), other)]).toEqual([
    0, 1, 1,
  ]);
  expect([placeIn(column('enqueued_at', 'int'), other), placeIn(column('at', 'date'))]).toEqual([
    1,
    undefined,
  ]);
});

it('counts the rows of each minute in the lake, so that a day with many is divided', async () => {
  const delta = await clicksTable();
  const at = (minutes: number) => base + minutes * 60_000_000;
  for (const minutes of [1, 2, 3])
    await delta.commit(Array.from({ length: 20_000 }, () => [1, at(minutes), 1, 1]));
  const table: WarehouseTable = {
    ...{ schema: 's', name: 't' },
    columns: [{ name: 'moment', from: 'timestamp', type: 'datetime2(6)' }],
  };
  const snapshot = await openSnapshot(delta.at);
  if (!snapshot) throw new Error('There is no table.');
  const sides = { table, warehouse: { kind: 'duckdb' } } as Sides;
  const { all } = await sliceVersion(sides, snapshot);
  const day = base / 60_000_000;
  expect(all).toEqual([
    'none',
    { from: undefined, to: day },
    { from: day, to: day + 3 },
    { from: day + 3, to: day + 1440 },
    { from: day + 1440, to: undefined },
  ]);
});
