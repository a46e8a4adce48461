import { expect, it } from 'vitest';
import type { WarehouseTable } from '../../../src/lib/streams/stream';
import { neededColumns, RowCollector } from '../../../src/lib/warehouse/prepareRows';
import { turnsDuring } from '../../kit/turnsDuring';

const table: WarehouseTable = {
  schema: 'shop',
  name: 'orders',
  columns: [
    { name: 'order_no', from: 'orderid', type: 'varchar(3)' },
    { name: 'part', from: 'hub_partition', type: 'smallint' },
  ],
};

/** Columns of a data file with these orders, in partition 7. */
const orders = (...ids: (string | null | undefined)[]) =>
  new Map<string, readonly (string | bigint | number | null)[]>([
    ['orderid', ids.map((id) => id ?? null)],
    ['hub_partition', ids.map(() => 7)],
    ['hub_created_at', ids.map(() => 1_000_000n)],
    ['sequence_number', ids.map((_, n) => BigInt(n))],
    ['element', ids.map(() => 0)],
  ]);

it('a load reads the columns of the table and of the address, each once', () => {
  expect(neededColumns(table)).toEqual([
    'orderid',
    'hub_partition',
    'hub_created_at',
    'sequence_number',
    'element',
  ]);
});

it('rows that fit come by column in their order, over several files', async () => {
  const collector = new RowCollector(table);
  await collector.add(orders('a', null), 2);
  await collector.add(orders('b'), 1);
  expect(collector.rows()).toEqual({
    columns: [
      ['a', null, 'b'],
      [7, 7, 7],
    ],
    count: 3,
    rejected: [],
  });
});

it('a column that a file does not have is null', async () => {
  const collector = new RowCollector(table);
  const without = new Map([...orders('a', 'b')].filter(([name]) => name !== 'orderid'));
  await collector.add(without, 2);
  expect(collector.rows()).toEqual({
    columns: [
      [null, null],
      [7, 7],
    ],
    count: 2,
    rejected: [],
  });
});

it('a row of which a value does not fit is rejected as a whole, for the first of its reasons, with its true values', async () => {
  const collector = new RowCollector(table);
  const columns = orders('a', 'long', 'c').set('hub_partition', [7, 40_000, 40_000]);
  await collector.add(columns, 3);
  const address = { hubCreatedAt: 1_000_000n, partition: 40_000, element: 0 };
  const row = (orderid: string, sequenceNumber: number) =>
    JSON.stringify({
      orderid,
      hub_partition: 40_000,
      hub_created_at: '1000000',
      sequence_number: String(sequenceNumber),
      element: 0,
    });
  expect(collector.rows()).toEqual({
    columns: [['a'], [7]],
    count: 1,
    rejected: [
      {
        ...address,
        sequenceNumber: 1n,
        reason: 'order_no: 4 characters, varchar(3) takes 3',
        row: row('long', 1),
      },
      { ...address, sequenceNumber: 2n, reason: 'part: out of the range of smallint', row: row('c', 2) },
    ],
  });
});

it('the address of a rejected row is cut to what its columns hold, and 0 where there is none', async () => {
  const collector = new RowCollector(table);
  const far = 2n ** 63n - 1n;
  await collector.add(
    new Map<string, readonly (string | bigint | number | null)[]>([
      ['orderid', ['long']],
      ['hub_partition', [2 ** 40]],
      ['hub_created_at', [far]],
      ['sequence_number', [null]],
    ]),
    1,
  );
  expect(collector.rows().rejected).toMatchObject([
    { hubCreatedAt: 253_402_300_799_999_999n, partition: 2 ** 31 - 1, sequenceNumber: 0n, element: 0 },
  ]);
});

it('other work goes on between pieces of a large file, and a rejected row of a late piece is still told from its neighbours', async () => {
  const collector = new RowCollector(table);
  const ids = Array.from({ length: 20_000 }, (_, n) => (n === 19_000 ? 'long' : String(n % 1000)));
  expect(await turnsDuring(() => collector.add(orders(...ids), ids.length))).toBeGreaterThanOrEqual(2);
  const { count, columns, rejected } = collector.rows();
  expect(columns[0]).toEqual(ids.filter((id) => id !== 'long'));
  expect([count, rejected.map(({ sequenceNumber }) => sequenceNumber)]).toEqual([19_999, [19_000n]]);
});
