import { describe, expect, it } from 'vitest';
import { addMembers } from '../../../../src/lib/delta/fileRows';
import { CheckpointEncoder, encodeCheckpointRows } from '../../../../src/lib/delta/parquet/encodeCheckpoint';
import { readParquet, readRowGroups } from '../../../../src/lib/delta/parquet/read';
import type { StoredRowGroup } from '../../../../src/lib/delta/parquet/readSpan';
import { field } from '../../../../src/lib/delta/schema';
import { sourceOf } from './byteSource';

const add = (n: number) => ({
  path: `${n}.parquet`,
  partitionValues: {},
  size: n,
  modificationTime: n,
  dataChange: false,
});

/** A row group of a checkpoint with so many files, as it is stored. */
async function storedOf(files: number): Promise<StoredRowGroup> {
  const { bytes } = encodeCheckpointRows(Array.from({ length: files }, (_, n) => ({ add: add(n) })));
  const options = { source: sourceOf(bytes), where: 'checkpoint', columns: ['add'] };
  for await (const { stored } of readRowGroups({ ...options, skipNulls: true, members: addMembers }))
    if (stored) return stored;
  throw new Error('not stored');
}

describe('a row group of a checkpoint', () => {
  it('is copied between others, and both are as they were', async () => {
    const encoder = new CheckpointEncoder();
    encoder.add({ txn: { appId: 'p0', version: 7 } });
    expect(encoder.copy(await storedOf(700))).toBe(true);
    expect(encoder.copy(await storedOf(600))).toBe(true);
    const { bytes, numRows } = encoder.finish();
    expect(numRows).toBe(1301);
    const { columns } = await readParquet({
      source: sourceOf(bytes),
      where: 'copy',
      columns: ['add', 'txn'],
    });
    const sizes = columns.get('add')?.flatMap((one) => (one ? [(one as { size: number }).size] : []));
    expect(sizes).toEqual([...Array(700).keys(), ...Array(600).keys()]);
    expect(columns.get('txn')?.filter((one) => one !== null)).toEqual([
      { appId: 'p0', version: 7, lastUpdated: null },
    ]);
  });

  it('is not copied if it is small, so that small ones do not become many', async () => {
    const encoder = new CheckpointEncoder();
    expect(encoder.copy(await storedOf(511))).toBe(false);
    expect(encoder.finish().numRows).toBe(0);
    expect(new CheckpointEncoder().copy(await storedOf(512))).toBe(true);
  });

  it('is not copied if another writer made it, it has other columns, or statistics become a struct', async () => {
    const stored = await storedOf(600);
    const others = [
      { ...stored, createdBy: 'parquet-mr' },
      { ...stored, createdBy: undefined },
      { ...stored, columns: stored.columns.slice(1) },
      { ...stored, columns: stored.columns.toReversed() },
    ];
    const encoder = new CheckpointEncoder();
    for (const other of others) expect(encoder.copy(other)).toBe(false);
    expect(encoder.finish().numRows).toBe(0);
    expect(new CheckpointEncoder({ structOf: [field('id', 'long')] }).copy(stored)).toBe(false);
  });
});
