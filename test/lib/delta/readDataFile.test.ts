import { expect, it } from 'vitest';
import { append, createTable } from '../../../src/lib/delta/commit';
import { openState } from '../../../src/lib/delta/openTable';
import { readDataFile } from '../../../src/lib/delta/readDataFile';
import type { Field } from '../../../src/lib/delta/schema';
import { writeDataFile } from '../../../src/lib/delta/writeDataFile';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { countCalls } from '../../kit/countingStore';
import { turnsDuring } from '../../kit/turnsDuring';

const fields: Field[] = ['a', 'b', 'c', 'd'].map((name) => ({
  name,
  type: 'long',
  nullable: true,
  metadata: {},
}));

it.each([
  ['one row group', 20_000, 1],
  ['two row groups', 70_000, 3],
])(
  'the columns of a file of %s come whole, and other work goes on between two of them',
  async (_, rows, requests) => {
    const at = { store: new MemoryStore(), table: 'rows' };
    await createTable(at, fields);
    const state = await openState(at);
    if (!state) throw new Error('There is no table.');
    const columns = fields.map((_field, index) =>
      Array.from({ length: rows }, (_row, row) =>
        row % 7 === index ? null : (row * 48_271 * (index + 1)) % 2_147_483_647,
      ),
    );
    const add = await writeDataFile({ at, fields, columns });
    const written = await append({ state, fields, adds: [add], txns: [], operationMetrics: {} });
    const { store, counts } = countCalls(at.store);
    let found: Awaited<ReturnType<typeof readDataFile>> | undefined;
    const turns = await turnsDuring(async () => {
      found = await readDataFile({ ...written.state, at: { ...at, store } }, add, ['d', 'a', 'b', 'c']);
    });
    expect([...(found?.columns.keys() ?? [])]).toEqual(['d', 'a', 'b', 'c']);
    expect(found?.columns.get('a')).toEqual(columns[0]);
    expect(found?.columns.get('d')).toEqual(columns[3]);
    expect(found?.numRecords).toBe(rows);
    expect(turns).toBeGreaterThanOrEqual(2);
    // The footer, and all columns of each row group together; a small file is one request.
    expect(counts.get('getRange')).toBe(requests);
  },
);

it('a partition value that is none of its type is told to whoever asks for the column, and to nobody else', async () => {
  const at = { store: new MemoryStore(), table: 'rows' };
  await createTable(at, fields);
  const created = await openState(at);
  if (!created) throw new Error('There is no table.');
  const state = { ...created, metaData: { ...created.metaData, partitionColumns: ['d'] } };
  const inFile = fields.slice(0, 3);
  const written = await writeDataFile({ at, fields: inFile, columns: [[1], [2], [3]] });
  const add = { ...written, partitionValues: { d: 'four' } };
  const { columns } = await readDataFile(state, add, ['a', 'c']);
  expect([...columns]).toEqual([
    ['a', [1]],
    ['c', [3]],
  ]);
  await expect(readDataFile(state, add, ['a', 'd'])).rejects.toThrow(
    'the partition value "four" of column d is no long',
  );
});
