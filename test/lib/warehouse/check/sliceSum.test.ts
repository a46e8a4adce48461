import { expect, it } from 'vitest';
import type { WarehouseTable } from '../../../../src/lib/streams/stream';
import type { FormRow } from '../../../../src/lib/warehouse/check/forms';
import { SliceSum } from '../../../../src/lib/warehouse/check/sliceSum';

const table: WarehouseTable = {
  schema: 'shop',
  name: 'orders',
  columns: ['a', 'b', 'c'].map((name) => ({ name, from: name, type: 'nvarchar(20)' })),
};

function sumOf(rows: readonly FormRow[]): SliceSum {
  const sum = new SliceSum(table);
  for (const row of rows) sum.add(row);
  return sum;
}

/** Whether two slices have the same rows, and the columns in which they differ; the same from both sides. */
function compare(some: readonly FormRow[], others: readonly FormRow[]) {
  const [one, other] = [sumOf(some), sumOf(others)];
  expect(other.isEqual(one)).toBe(one.isEqual(other));
  expect(other.differences(one, table)).toEqual(one.differences(other, table));
  return { isEqual: one.isEqual(other), columns: one.differences(other, table) };
}

const rows: FormRow[] = [
  ['1', 'x', null],
  ['2', 'y', 'z'],
  ['2', 'y', 'z'],
  ['3', '', 'z'],
];

it('slices with the same rows are equal in any order, and know how many rows they have', () => {
  expect(compare(rows, rows.toReversed())).toEqual({ isEqual: true, columns: [] });
  expect(compare([], [])).toEqual({ isEqual: true, columns: [] });
  expect([sumOf([]).rows, sumOf(rows).rows]).toEqual([0, 4]);
});

it.each([0, 1, 2])('a value that is another one is noticed, and its column named: %i', (place) => {
  for (const value of ['7', null, ''].filter((each) => each !== rows[0]?.[place])) {
    const changed = rows.with(0, (rows[0] ?? []).with(place, value));
    expect(compare(rows, changed)).toEqual({ isEqual: false, columns: [table.columns[place]?.name] });
  }
});

it('rows that have exchanged values are noticed, though each column has the same ones', () => {
  const exchanged: FormRow[] = [['1', 'y', null], ['2', 'x', 'z'], ...rows.slice(2)];
  expect(compare(rows, exchanged)).toEqual({ isEqual: false, columns: [] });
});

it('values that have exchanged columns are noticed', () => {
  expect(compare([['p', 'q', 'r']], [['q', 'p', 'r']])).toEqual({ isEqual: false, columns: ['a', 'b'] });
});

it('a row is not made up for by another one, nor by itself', () => {
  const all = ['a', 'b', 'c'];
  expect(compare(rows, rows.slice(1))).toEqual({ isEqual: false, columns: all });
  // An even number of equal rows does not come to nothing.
  expect(compare([...rows, ['5', '5', '5'], ['5', '5', '5']], rows)).toEqual({
    isEqual: false,
    columns: all,
  });
  expect(compare([...rows, ['2', 'y', 'z']], [...rows, ['1', 'x', null]])).toEqual({
    isEqual: false,
    columns: all,
  });
});
