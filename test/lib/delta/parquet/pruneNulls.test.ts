import { expect, it } from 'vitest';
import { type CheckpointRow, encodeCheckpointRows } from '../../../../src/lib/delta/parquet/encodeCheckpoint';
import { readRowGroups } from '../../../../src/lib/delta/parquet/read';
import { sourceOf } from './byteSource';

const add = (n: number, more = {}): CheckpointRow => ({
  add: {
    path: `${n}.parquet`,
    partitionValues: {},
    size: n,
    modificationTime: n,
    dataChange: false,
    ...more,
  },
});

/** Row groups as rows without their nulls and empty maps. */
async function read(rows: readonly CheckpointRow[], skipNulls: boolean) {
  const { bytes } = encodeCheckpointRows(rows);
  const found: unknown[] = [];
  const names: string[][] = [];
  for await (const { numRecords, columns } of readRowGroups({
    source: sourceOf(bytes),
    skipNulls,
    where: 'test',
  })) {
    names.push([...columns.keys()]);
    for (let row = 0; row < numRecords; row++)
      found.push(bare(Object.fromEntries([...columns].map(([name, values]) => [name, values[row]]))));
  }
  return { found, names };
}

function bare(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const kept = Object.entries(value).map(([name, member]) => [name, bare(member)] as const);
  const full = kept.filter(([, member]) => member !== null && JSON.stringify(member) !== '{}');
  return Object.fromEntries(full);
}

it('leaves out of each row group the columns that are all null, and nothing else', async () => {
  const rows: CheckpointRow[] = [
    { protocol: { minReaderVersion: 1, minWriterVersion: 2 } },
    { txn: { appId: 'p0', version: 7 } },
    ...Array.from({ length: 1500 }, (_, n) => add(n)),
    add(1500, { stats: '{}', partitionValues: { day: null } }),
    add(1501, { tags: { a: 'b' }, partitionValues: { day: '2026-01-01' } }),
    { remove: { path: 'x', dataChange: false, extendedFileMetadata: true, partitionValues: {}, size: 1 } },
    ...Array.from({ length: 1500 }, (_, n) => add(2000 + n)),
  ];
  const pruned = await read(rows, true);
  const whole = await read(rows, false);
  expect(pruned.found).toEqual(whole.found);
  expect(pruned.found).toHaveLength(rows.length);
  expect(pruned.names).toEqual([['protocol', 'txn', 'add'], ['add', 'remove'], ['add']]);
});
