import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { describe, expect, it } from 'vitest';
import { type CheckpointRow, encodeCheckpointRows } from '../../../../src/lib/delta/parquet/encodeCheckpoint';
import { readParquet } from '../../../../src/lib/delta/parquet/read';
import { sourceOf } from './byteSource';
import { duckDbOfTests } from './duckdb';

const { duckdb, folder } = duckDbOfTests();

const text = fc.string({ unit: 'binary', maxLength: 12 });
/** Keys that a plain object keeps in order and as its own. */
const map = <T>(value: fc.Arbitrary<T>) =>
  fc.dictionary(fc.stringMatching(/^[a-z.]{1,8}$/), value, { maxKeys: 3 });
const count = fc.maxSafeInteger();

const rows: fc.Arbitrary<CheckpointRow> = fc.oneof(
  fc.record({
    txn: fc.record(
      { appId: text, version: count, lastUpdated: count },
      { requiredKeys: ['appId', 'version'] },
    ),
  }),
  fc.record({
    add: fc.record(
      {
        path: text,
        partitionValues: map(fc.option(text)),
        size: count,
        modificationTime: count,
        dataChange: fc.boolean(),
        tags: map(text),
        stats: text,
      },
      { requiredKeys: ['path', 'partitionValues', 'size', 'modificationTime', 'dataChange'] },
    ),
  }),
  fc.record({
    remove: fc.record(
      {
        path: text,
        deletionTimestamp: count,
        dataChange: fc.boolean(),
        extendedFileMetadata: fc.boolean(),
        partitionValues: map(fc.option(text)),
        size: count,
      },
      { requiredKeys: ['path', 'dataChange'] },
    ),
  }),
  fc.record({
    metaData: fc.record(
      {
        id: text,
        name: text,
        description: text,
        format: fc.record({ provider: text, options: map(text) }),
        schemaString: text,
        partitionColumns: fc.array(text, { maxLength: 3 }),
        configuration: map(text),
        createdTime: count,
      },
      { requiredKeys: ['id', 'format', 'schemaString', 'partitionColumns', 'configuration'] },
    ),
  }),
  fc.record({
    protocol: fc.record(
      {
        minReaderVersion: fc.integer({ min: 1, max: 3 }),
        minWriterVersion: fc.integer({ min: 1, max: 7 }),
        readerFeatures: fc.array(text, { maxLength: 2 }),
        writerFeatures: fc.array(text, { maxLength: 2 }),
      },
      { requiredKeys: ['minReaderVersion', 'minWriterVersion'] },
    ),
  }),
);

/** The row's one action without what is null in it, as a commit would hold it. */
function actionOf(row: Record<string, unknown>): unknown {
  const present = Object.entries(row).filter(([, action]) => action !== null && action !== undefined);
  return Object.fromEntries(
    present.map(([name, action]) => [
      name,
      Object.fromEntries(
        Object.entries(action as object).filter(([, value]) => value !== null && value !== undefined),
      ),
    ]),
  );
}

/** A checkpoint restates: dataChange is false in it. */
function expectedOf(row: CheckpointRow): unknown {
  const [entry] = Object.entries(row);
  const [name, action] = entry ?? ['', {}];
  return { [name]: name === 'add' || name === 'remove' ? { ...action, dataChange: false } : action };
}

const asRows = ({ numRecords, columns }: Awaited<ReturnType<typeof readParquet>>) =>
  Array.from({ length: numRecords }, (_, row) =>
    Object.fromEntries([...columns].map(([name, values]) => [name, values[row]])),
  );

const sample: CheckpointRow[] = [
  { protocol: { minReaderVersion: 1, minWriterVersion: 2 } },
  {
    metaData: {
      id: '5c6a',
      format: { provider: 'parquet', options: {} },
      schemaString: '{"type":"struct","fields":[]}',
      partitionColumns: ['day', 'hub'],
      configuration: { 'delta.appendOnly': 'true' },
      createdTime: 1_780_000_000_000,
    },
  },
  { txn: { appId: 'ns/clicks@2026/0', version: 2 ** 40, lastUpdated: 5 } },
  {
    add: {
      path: 'part-0.parquet',
      partitionValues: { day: '2026-01-01', hub: null },
      size: 10,
      modificationTime: 3,
      dataChange: true,
      stats: '{"numRecords":1}',
    },
  },
  { remove: { path: 'part-1.parquet', deletionTimestamp: 7, dataChange: true, size: 4 } },
];

describe('encodeCheckpointRows', () => {
  it('is read back unchanged by our reader, with any actions', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(rows, { minLength: 1, maxLength: 40 }), async (actions) => {
        const { bytes, numRows } = encodeCheckpointRows(actions);
        expect(numRows).toBe(actions.length);
        const read = await readParquet({ source: sourceOf(bytes), where: 'checkpoint' });
        expect(asRows(read).map(actionOf)).toEqual(actions.map(expectedOf));
      }),
      { numRuns: 150 },
    );
  });

  it('means the same to hyparquet', async () => {
    const { bytes } = encodeCheckpointRows(sample);
    const file = new Uint8Array(bytes).buffer;
    const parsed = await parquetReadObjects({ file, compressors });
    expect(parsed).toHaveLength(5);
    expect(parsed[1]?.metaData).toMatchObject({
      format: { provider: 'parquet', options: {} },
      partitionColumns: ['day', 'hub'],
      configuration: { 'delta.appendOnly': 'true' },
    });
    expect(parsed[2]?.txn).toEqual({ appId: 'ns/clicks@2026/0', version: 2n ** 40n, lastUpdated: 5n });
    expect(parsed.map((row) => Object.values(row).filter((action) => action !== undefined).length)).toEqual([
      1, 1, 1, 1, 1,
    ]);
  });

  it('means the same to DuckDB, with structs, maps and lists as types', async () => {
    const path = join(folder, 'sample.parquet');
    writeFileSync(path, encodeCheckpointRows(sample).bytes);
    const types = await duckdb.objects(`describe select * from '${path}'`);
    expect(Object.fromEntries(types.map((row) => [row.column_name, row.column_type]))).toMatchObject({
      txn: 'STRUCT(appId VARCHAR, "version" BIGINT, lastUpdated BIGINT)',
      add: expect.stringContaining('partitionValues MAP(VARCHAR, VARCHAR)'),
      metaData: expect.stringContaining('partitionColumns VARCHAR[]'),
    });
    const [row] = await duckdb.objects(
      `select add.path as path, add.partitionValues['day'] as day, add.tags is null as no_tags
       from '${path}' where add is not null`,
    );
    expect(row).toEqual({ path: 'part-0.parquet', day: '2026-01-01', no_tags: true });
    expect(await duckdb.rows(`select count(*) from '${path}' where remove.path = 'part-1.parquet'`)).toEqual([
      [1n],
    ]);
  });

  it('has no row group without rows, also at the end of full ones', () => {
    const groupsOf = (count: number) => {
      const rows = Array.from({ length: count }, (_, version) => ({ txn: { appId: 'a', version } }));
      const { bytes } = encodeCheckpointRows(rows);
      const { row_groups } = parquetMetadata(new Uint8Array(bytes).buffer);
      return row_groups.map(({ num_rows }) => Number(num_rows));
    };
    expect(groupsOf(0)).toEqual([]);
    const [full = 0] = groupsOf(10_000);
    expect(groupsOf(full * 2)).toEqual([full, full]);
    expect(groupsOf(full * 2 + 1)).toEqual([full, full, 1]);
  });

  it('says what texts, maps and lists are in the older and in the newer way', () => {
    const { schema } = parquetMetadata(new Uint8Array(encodeCheckpointRows(sample).bytes).buffer);
    const annotations = schema.flatMap(({ converted_type, logical_type }) =>
      converted_type || logical_type ? [`${converted_type} ${logical_type?.type}`] : [],
    );
    expect([...new Set(annotations)].sort()).toEqual(['LIST LIST', 'MAP MAP', 'UTF8 STRING']);
  });

  it('writes many row groups from a generator and keeps the rows in order', async () => {
    const total = 10_000;
    function* adds(): Generator<CheckpointRow> {
      for (let index = 0; index < total; index++)
        yield {
          add: {
            path: `p${index}`,
            partitionValues: {},
            size: index,
            modificationTime: 1,
            dataChange: false,
          },
        };
    }
    const { bytes, numRows } = encodeCheckpointRows(adds());
    expect(numRows).toBe(total);
    const path = join(folder, 'many.parquet');
    writeFileSync(path, bytes);
    const [[groups, min, max, paths]] = (await duckdb.rows(
      `select (select count(distinct row_group_id) from parquet_metadata('${path}')), min(add.size), max(add.size),
        count(distinct add.path) from '${path}'`,
    )) as [[bigint, bigint, bigint, bigint]];
    expect(groups).toBeGreaterThan(1n);
    expect([min, max, paths]).toEqual([0n, 9999n, 10_000n]);
    const { columns } = await readParquet({
      source: sourceOf(bytes),
      where: 'many',
      columns: ['add', 'txn'],
    });
    expect(columns.get('add')?.[9_999]).toMatchObject({ path: 'p9999', size: 9999 });
    expect(columns.get('txn')?.every((txn) => txn === null)).toBe(true);
  });

  it('keeps maps of any size', async () => {
    const partitionValues = Object.fromEntries(
      Array.from({ length: 3000 }, (_, key) => [`k${key}`, `${key}`]),
    );
    const add = { path: 'a', partitionValues, size: 1, modificationTime: 1, dataChange: false };
    const { bytes } = encodeCheckpointRows([{ add }, { add: { ...add, path: 'b' } }]);
    const { columns } = await readParquet({ source: sourceOf(bytes), where: 'checkpoint', columns: ['add'] });
    expect(columns.get('add')).toMatchObject([
      { path: 'a', partitionValues },
      { path: 'b', partitionValues },
    ]);
  });

  it('keeps the mark of its log entry in the footer, where it is known', async () => {
    const markOf = async (mark?: string) => {
      const { bytes } = encodeCheckpointRows([{ txn: { appId: 'a', version: 1 } }], mark);
      return [...(await readParquet({ source: sourceOf(bytes), where: 'checkpoint' })).keyValues];
    };
    expect(await markOf('0123abcd')).toEqual([['tributary.mark', '0123abcd']]);
    expect(await markOf()).toEqual([]);
  });

  it('writes a lone surrogate as U+FFFD, since one action must not prevent checkpoints for ever', async () => {
    const { bytes } = encodeCheckpointRows([{ txn: { appId: 'a\ud800', version: 1 } }]);
    const { columns } = await readParquet({ source: sourceOf(bytes), where: 'checkpoint' });
    expect(columns.get('txn')).toEqual([{ appId: 'a\ufffd', version: 1, lastUpdated: null }]);
  });

  it('refuses an action that its columns cannot hold, naming the field', () => {
    expect(() => encodeCheckpointRows([{ txn: { appId: 'a', version: 1.5 } }])).toThrow(
      /checkpoint: txn\.version, value 0: expected a whole number/,
    );
  });
});
