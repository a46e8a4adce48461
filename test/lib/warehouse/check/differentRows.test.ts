import { expect, it } from 'vitest';
import type { WarehouseTable } from '../../../../src/lib/streams/stream';
import { DifferentRows } from '../../../../src/lib/warehouse/check/differentRows';
import type { FormRow } from '../../../../src/lib/warehouse/check/forms';
import type { Warehouse } from '../../../../src/lib/warehouse/warehouse';

/** Without the columns of the address. */
const bare: WarehouseTable = {
  schema: 'shop',
  name: 'orders',
  columns: [
    { name: 'note', from: 'note', type: 'nvarchar(20)' },
    { name: 'at', from: 'at', type: 'datetime2(6)' },
  ],
};
const table: WarehouseTable = {
  ...bare,
  columns: [
    ...bare.columns,
    { name: 'hub', from: 'hub_created_at', type: 'datetime2(6)' },
    { name: 'part', from: 'hub_partition', type: 'int' },
    { name: 'number', from: 'sequence_number', type: 'bigint' },
    { name: 'element', from: 'element', type: 'int' },
  ],
};
const warehouse = { kind: 'sql' } as Warehouse;

const compare = (of: WarehouseTable, lake: readonly FormRow[], inWarehouse: readonly FormRow[]) => {
  const rows = new DifferentRows({ table: of, warehouse });
  for (const row of inWarehouse) rows.add(row, 'warehouse');
  for (const row of lake) rows.add(row, 'lake');
  return rows.all();
};
const values = (found: ReturnType<typeof compare>) => [...found.values()];

const day = 86_400_000_000;
const order = (note: string | null, number: number, at: number | null = day + 1): FormRow => [
  note,
  at === null ? null : String(at),
  ...['1000000', '2', String(number), '3'],
];
const address = { hubCreatedAt: 1_000_000n, partition: 2, sequenceNumber: 7n, element: 3 };

it('rows that are there equally often are not told, whatever their order', () => {
  const [one, two] = [order('a', 1), order(null, 2)];
  expect(compare(table, [one, two, one], [one, one, two])).toEqual(new Map());
  // No value is not the same as the text of it.
  expect(compare(table, [two], [order('null', 2)]).size).toBe(1);
});

it.each<[string, number, number]>([
  ['missing', 1, 0],
  ['missing', 2, 1],
  ['doubled', 1, 2],
  ['not in the lake', 0, 1],
])('a row is %s if the lake has it %i times and the warehouse %i times', (what, lake, inWarehouse) => {
  const many = (count: number) => Array.from({ length: count }, () => order('a', 7));
  expect(values(compare(table, many(lake), many(inWarehouse)))).toStrictEqual([
    { what, address, day: '1970-01-02', columns: [] },
  ]);
});

it('two rows of one address are one that was changed, in the columns that differ', () => {
  expect(values(compare(table, [order('a', 7, 0)], [order('b', 7)]))).toMatchObject([
    { what: 'changed', address, columns: ['note', 'at'] },
  ]);
  const other = (place: number): FormRow =>
    order('b', 7).map((form, index) => (index === place ? '9' : form));
  // Rows that differ in one part of the address are two.
  for (const place of [2, 3, 4, 5])
    expect(
      values(compare(table, [order('a', 7)], [other(place)]))
        .map(({ what }) => what)
        .sort(),
    ).toEqual(['missing', 'not in the lake']);
});

it.each([2, 3, 4, 5])(
  'a row without part %i of its address has none, and does not count as changed',
  (part) => {
    const without = (note: string) => order(note, 7).with(part, null);
    expect(values(compare(table, [without('a')], [without('b')]))).toMatchObject([
      { what: 'not in the lake', address: null, columns: [] },
      { what: 'missing', address: null, columns: [] },
    ]);
  },
);

it('rows without an address are told one by one, and none counts as changed', () => {
  const found = compare(
    bare,
    [
      ['a', String(day)],
      ['b', null],
    ],
    [['c', String(-1)]],
  );
  expect(values(found)).toStrictEqual([
    { what: 'not in the lake', address: undefined, day: '1969-12-31', columns: [] },
    { what: 'missing', address: undefined, day: '1970-01-02', columns: [] },
    { what: 'missing', address: undefined, day: undefined, columns: [] },
  ]);
});

it('a difference has the same key whenever the same rows are compared again', () => {
  for (const of of [bare, table]) {
    const rows =
      of === bare
        ? [
            ['a', '1'],
            ['b', '2'],
          ]
        : [order('a', 1), order('b', 2)];
    const once = compare(of, rows, []);
    const again = compare(of, rows.toReversed(), []);
    expect([...again.keys()].sort()).toEqual([...once.keys()].sort());
    expect(once.size).toBe(2);
  }
});
