import { randomBytes } from 'node:crypto';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Add } from '../../../src/lib/delta/actions';
import { putCommit } from '../../../src/lib/delta/commit';
import type { TableLocation } from '../../../src/lib/delta/log';
import { readDataFile } from '../../../src/lib/delta/readDataFile';
import { type DataType, field } from '../../../src/lib/delta/schema';
import { checkTable } from '../../../src/lib/maintenance/checkTable';
import { compact } from '../../../src/lib/maintenance/compact';
import { compactBin } from '../../../src/lib/maintenance/compactBin';
import { figuresOf, openPlan, planCompaction } from '../../../src/lib/maintenance/planCompaction';
import { appendFiles, newLocation, readRows, snapshotOf } from './table';

/*
 * Columns of types that this project does not write, which other engines added to its table.
 */

let at: TableLocation;
beforeEach(() => {
  at = newLocation();
});

const price = field('price', 'decimal(9,2)');

/** Adds a column to the table as another engine does. */
async function addForeign(name: string, type: DataType): Promise<void> {
  const { version, metaData, fields: there } = await snapshotOf(at);
  const schemaString = JSON.stringify({ type: 'struct', fields: [...there, field(name, type)] });
  await commitAfter(version, [{ metaData: { ...metaData, schemaString } }]);
}

const commitAfter = (version: number, actions: Parameters<typeof putCommit>[2]) =>
  putCommit(at, version + 1, actions, { operation: 'WRITE', isBlindAppend: true });

/** Commits a file of another engine with one row, which has the column `price`. */
const appendForeign = (id: number, value: number | null, stats?: string): Promise<Add> =>
  appendRows(id, ['theirs'], [value], stats);

/** The same with a row for each name. */
async function appendRows(
  id: number,
  names: readonly string[],
  values: readonly (number | null)[],
  stats?: string,
): Promise<Add> {
  const optional = { repetition_type: 'OPTIONAL' } as const;
  const bytes = Buffer.from(
    parquetWriteBuffer({
      columnData: [
        { name: 'id', data: names.map((_, row) => BigInt(id + row)) },
        { name: 'name', data: [...names] },
        { name: 'price', data: [...values] },
      ],
      schema: [
        { name: 'root', num_children: 3 },
        { name: 'id', type: 'INT64', repetition_type: 'REQUIRED' },
        { name: 'name', type: 'BYTE_ARRAY', converted_type: 'UTF8', ...optional },
        { name: 'price', type: 'INT32', converted_type: 'DECIMAL', scale: 2, precision: 9, ...optional },
      ],
      rowGroupSize: 20_000,
    }),
  );
  const path = `theirs-${id}.parquet`;
  await at.store.put(`${at.table}/${path}`, bytes);
  const add: Add = {
    path,
    partitionValues: {},
    size: bytes.length,
    modificationTime: 1,
    dataChange: true,
    ...(stats === undefined ? {} : { stats }),
  };
  await commitAfter((await snapshotOf(at)).version, [{ add }]);
  return add;
}

async function compacted() {
  const result = await compact({ at });
  if (result.outcome !== 'done') throw new Error(result.outcome);
  return result.bins;
}

describe('a table with columns of types that are not written', () => {
  it.each<DataType>([
    'decimal(9,2)',
    'void',
    { type: 'array', elementType: 'string', containsNull: true },
    { type: 'map', keyType: 'string', valueType: 'long', valueContainsNull: true },
    { type: 'struct', fields: [field('x', 'long')] },
  ])('takes appends, and is compacted: %j', async (type) => {
    await appendFiles(at, 2);
    await addForeign('theirs', type);
    await appendFiles(at, 2, { first: 20 });
    const before = await readRows(at);
    expect(await compacted()).toMatchObject([{ outcome: 'committed', inputs: 4 }]);
    expect(await readRows(at)).toEqual(before);
    expect(before.every((row) => row[2] === null)).toBe(true);
    expect((await checkTable({ at }))?.findings).toEqual([]);
  });

  it('keeps files with values there as they are, and rewrites the others', async () => {
    await appendFiles(at, 2);
    await addForeign(price.name, price.type);
    await appendForeign(100, 1.25);
    await appendForeign(101, null);
    await appendFiles(at, 2, { first: 20 });
    const before = await readRows(at);
    expect(await compacted()).toMatchObject([{ outcome: 'committed', inputs: 5 }]);
    expect(await readRows(at)).toEqual(before);
    expect(before.find(([id]) => id === 100)).toEqual([100, 'theirs', '1.25']);
    expect([...(await snapshotOf(at)).files.keys()]).toContain('theirs-100.parquet');
    expect(await compacted()).toEqual([]);
  });

  it('says so of a bin in which all files are kept', async () => {
    await appendFiles(at, 0);
    await addForeign(price.name, price.type);
    const sizes = [await appendForeign(100, 1.25), await appendForeign(101, 2.5)].map(({ size }) => size);
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    expect(await compacted()).toEqual([{ outcome: 'kept', inputs: 2, inputBytes: bytes }]);
    expect((await snapshotOf(at)).version).toBe(3);
  });

  it('keeps a large file with a value there in any of its row groups, and rewrites one without', async () => {
    await appendFiles(at, 1);
    await addForeign(price.name, price.type);
    const names = Array.from({ length: 50_000 }, () => randomBytes(20).toString('hex'));
    const nulls = names.map(() => null);
    const sizes = [
      await appendRows(100_000, names, [...nulls.slice(1), 1.25]),
      await appendRows(200_000, names, nulls),
    ].map(({ size }) => size);
    expect(Math.min(...sizes)).toBeGreaterThan(1024 * 1024);
    expect(await compacted()).toMatchObject([{ outcome: 'committed', inputs: 2 }]);
    const { files } = await snapshotOf(at);
    expect([files.size, files.has('theirs-100000.parquet')]).toEqual([2, true]);
    expect(await checkTable({ at })).toMatchObject({ rows: 100_010, findings: [] });
  });

  it('plans no files of which the log says that they have values there, and tells how many they are', async () => {
    await appendFiles(at, 2);
    await addForeign(price.name, price.type);
    await appendForeign(100, 1.25, '{"numRecords":1,"nullCount":{"price":0}}');
    await appendForeign(101, null, '{"numRecords":1,"nullCount":{"price":1}}');
    const planned = await planCompaction({ at }, 1_000_000);
    if (planned.outcome !== 'planned') throw new Error(planned.outcome);
    const { snapshot, bins } = planned.opened;
    expect(bins.map((bin) => bin.map(({ path }) => path))).toEqual([
      expect.not.arrayContaining(['theirs-100.parquet']),
    ]);
    expect(bins[0]).toHaveLength(3);
    expect(figuresOf(snapshot).kept).toEqual({ files: 1, columns: ['price'] });
  });

  it('is done with a bin of which a file is kept', async () => {
    await appendFiles(at, 2);
    await addForeign(price.name, price.type);
    await appendForeign(100, 1.25);
    const planned = await planCompaction({ at }, 1_000_000);
    if (planned.outcome !== 'planned') throw new Error(planned.outcome);
    const done = await compactBin({ at }, planned.opened, 0);
    expect(done).toMatchObject({ outcome: 'committed', inputs: 2 });
    expect(done).not.toHaveProperty('more');
  });

  it('goes on with the rest of a bin after the time was up', async () => {
    await appendFiles(at, 2);
    await addForeign(price.name, price.type);
    await appendForeign(100, 1.25);
    await appendFiles(at, 3, { first: 20 });
    const before = await readRows(at);
    const planned = await planCompaction({ at }, 1_000_000);
    if (planned.outcome !== 'planned') throw new Error(planned.outcome);
    const doBin = async () => {
      const opened = await openPlan({ at }, planned.opened.plan);
      return opened && compactBin({ at, isTimeUp: () => true }, opened, 0);
    };
    expect(await doBin()).toMatchObject({ outcome: 'committed', inputs: 2, more: true });
    expect(await doBin()).toMatchObject({ outcome: 'committed', inputs: 2, more: true });
    // One file is left, which needs no rewriting, and the one that is kept.
    expect(await doBin()).toMatchObject({ outcome: 'committed', inputs: 2 });
    expect(await readRows(at)).toEqual(before);
    expect((await snapshotOf(at)).files.size).toBe(4);
  });

  it.each([
    ['1.25', 1.25, 1.25],
    // delta-rs writes the bounds of decimals as doubles, which are not always the nearest.
    ['1.2500000000000002', 1.2500000000000002, 1.2499999999999998],
    ['12.5e-1', '12.5e-1', '12.5e-1'],
  ])('finds no damage in bounds that were written as doubles: %s', async (_text, min, max) => {
    await appendFiles(at, 0);
    await addForeign(price.name, price.type);
    const stats = `{"numRecords":1,"minValues":{"price":${min}},"maxValues":{"price":${max}}}`;
    await appendForeign(100, 1.25, stats);
    expect((await checkTable({ at }))?.findings).toEqual([]);
  });

  it.each([
    ['min', '1.26', '2'],
    ['max', '-1', '1.24'],
    // Too many digits for a double, so that nothing is allowed for.
    ['max', '1', '1.24999999999999999999'],
  ])('finds a value beyond the %s: %s to %s', async (side, min, max) => {
    await appendFiles(at, 0);
    await addForeign(price.name, price.type);
    const stats = `{"numRecords":1,"minValues":{"price":${min}},"maxValues":{"price":${max}}}`;
    await appendForeign(100, 1.25, stats);
    expect((await checkTable({ at }))?.findings).toEqual([
      expect.stringContaining(`column price, row 0: "1.25" is beyond the log's ${side}`),
    ]);
  });
});

describe('a column of a type that is not implemented', () => {
  /** Adds `price` as a variant, of which one file has a value. */
  async function addVariant(): Promise<void> {
    await appendFiles(at, 2);
    await addForeign(price.name, 'variant' as DataType);
    await appendFiles(at, 2, { first: 20 });
    await appendForeign(100, 1.25);
  }

  it('is refused by its name, and the others are read', async () => {
    await addVariant();
    const snapshot = await snapshotOf(at);
    const theirs = [...snapshot.files.values()].find(({ path }) => path === 'theirs-100.parquet');
    if (!theirs) throw new Error('no file');
    const refusal = {
      code: 'delta.unsupported',
      message: expect.stringContaining('the column price has the type variant, which is not implemented'),
    };
    await expect(readDataFile(snapshot, theirs, ['id', 'price'])).rejects.toMatchObject(refusal);
    expect((await readDataFile(snapshot, theirs, ['id'])).columns.get('id')).toEqual([100]);
    expect(await checkTable({ at })).toMatchObject({ files: 5, rows: 41, findings: [] });
  });

  it('keeps the files that have it as they are, and the others are compacted', async () => {
    await addVariant();
    const [bin, ...others] = await compacted();
    expect(bin).toMatchObject({ outcome: 'committed', inputs: 4 });
    // The bin is done, although one of its files is kept.
    expect(bin).not.toHaveProperty('more');
    expect(others).toEqual([]);
    expect([...(await snapshotOf(at)).files.keys()]).toContain('theirs-100.parquet');
    expect(await checkTable({ at })).toMatchObject({ files: 2, rows: 41, findings: [] });
  });

  it('says so of a bin in which all files have it', async () => {
    await appendFiles(at, 0);
    await addForeign(price.name, 'variant' as DataType);
    const sizes = [await appendForeign(100, 1.25), await appendForeign(101, 2.5)].map(({ size }) => size);
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    expect(await compacted()).toEqual([{ outcome: 'kept', inputs: 2, inputBytes: bytes }]);
  });
});
