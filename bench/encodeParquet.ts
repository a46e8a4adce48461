/**
 * Encodes a million clicks to Parquet bytes, ours against its peers: parquetjs-lite's own appendRow, hyparquet-writer, and
 * DuckDB's appender with COPY on one thread. Same data, one process, runs interleaved, medians.
 *
 *   npm run bench -- encode [--rows 1000000] [--runs 5]
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import {
  BIGINT,
  DuckDBDataChunk,
  DuckDBInstance,
  DuckDBTimestampTZValue,
  INTEGER,
  TIMESTAMPTZ,
} from '@duckdb/node-api';
import { type FieldDefinition, ParquetSchema, ParquetWriter } from 'parquetjs-lite';
import { numberFlag } from '../src/cli/commandLine/arguments';
import { action, type Given } from '../src/cli/commandLine/command';
import { runCommand } from '../src/cli/commandLine/runCommand';
import { NumberColumn } from '../src/lib/delta/numberColumn';
import { encodeParquet } from '../src/lib/delta/parquet/encode';
import { clickColumns, clickFields as fields } from './clickRows';

const flags = {
  rows: numberFlag({ meaning: 'to encode', fallback: 1_000_000, least: 1, most: 10_000_000, whole: true }),
  runs: numberFlag({ meaning: 'of each writer', fallback: 5, least: 1, most: 1000, whole: true }),
};

type Encoder = (columns: number[][]) => Promise<number>;

const rowsOf = (columns: number[][]): number => columns[0]?.length ?? 0;

const appendRow: Encoder = async (columns) => {
  const definitions = fields.map(({ name, type, nullable }): [string, FieldDefinition] => [
    name,
    {
      type: type === 'integer' ? 'INT32' : type === 'long' ? 'INT64' : 'TIMESTAMP_MICROS',
      optional: nullable,
      compression: 'SNAPPY',
    },
  ]);
  let bytes = 0;
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      done();
    },
  });
  const writer = await ParquetWriter.openStream(new ParquetSchema(Object.fromEntries(definitions)), sink, {
    rowGroupSize: 65_536,
    useDataPageV2: false,
    pageIndex: false,
  });
  for (let row = 0; row < rowsOf(columns); row++) {
    const record: Record<string, unknown> = {};
    for (const [index, { name }] of fields.entries()) record[name] = columns[index]?.[row];
    await writer.appendRow(record);
  }
  await writer.close();
  return bytes;
};

const hyparquetWriter: Encoder = async (columns) => {
  const { parquetWriteBuffer } = await import('hyparquet-writer');
  const columnData = fields.map(({ name, type, nullable }, index) => {
    const values = columns[index] ?? [];
    return type === 'integer'
      ? { name, nullable, type: 'INT32' as const, data: Int32Array.from(values) }
      : { name, nullable, type: 'INT64' as const, data: BigInt64Array.from(values, BigInt) };
  });
  return parquetWriteBuffer({ columnData, rowGroupSize: 65_536 }).byteLength;
};

/** Appends in chunks of the vector size, which is DuckDB's fastest way from Node. */
const duckdb: Encoder = async (columns) => {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  const columnTypes = fields.map(({ type }) =>
    type === 'integer' ? INTEGER : type === 'long' ? BIGINT : TIMESTAMPTZ,
  );
  await connection.run(
    `create table clicks (${fields.map(({ name }, index) => `"${name}" ${columnTypes[index]}`).join(', ')})`,
  );
  const appender = await connection.createAppender('clicks');
  const rows = rowsOf(columns);
  for (let start = 0; start < rows; start += 2048) {
    const end = Math.min(start + 2048, rows);
    const chunk = DuckDBDataChunk.create(columnTypes, end - start);
    for (const [index, { type }] of fields.entries()) {
      const values = (columns[index] ?? []).slice(start, end);
      if (type === 'integer') chunk.setColumnValues(index, values);
      else if (type === 'long') chunk.setColumnValues(index, values.map(BigInt));
      else
        chunk.setColumnValues(
          index,
          values.map((value) => new DuckDBTimestampTZValue(BigInt(value))),
        );
    }
    appender.appendDataChunk(chunk);
  }
  appender.closeSync();
  const folder = mkdtempSync(join(tmpdir(), 'encode-parquet-'));
  try {
    const path = join(folder, 'clicks.parquet');
    await connection.run(`copy clicks to '${path}' (format parquet, row_group_size 65536)`);
    return statSync(path).size;
  } finally {
    connection.closeSync();
    instance.closeSync();
    rmSync(folder, { recursive: true });
  }
};

async function measure({ rows, runs }: Given<typeof flags>): Promise<number> {
  const columns = clickColumns(rows);
  // Our encoder gets the columns in the form that decoding gives them.
  const decoded = columns.map((values) => new NumberColumn(Float64Array.from(values)));
  const ours: Encoder = async () => encodeParquet({ fields, columns: decoded }).bytes.length;
  const contenders = { ours, appendRow, 'hyparquet-writer': hyparquetWriter, 'DuckDB, 1 thread': duckdb };
  const results = Object.entries(contenders).map(([name, encode]) => ({
    name,
    encode,
    rates: [] as number[],
    size: 0,
  }));
  for (let run = 0; run < runs; run++) {
    for (const result of results) {
      const started = performance.now();
      result.size = await result.encode(columns);
      result.rates.push(rows / ((performance.now() - started) / 1000));
    }
  }
  const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
  const mine = median(results[0]?.rates ?? []);
  console.log(
    `${rows.toLocaleString('en')} clicks of ${fields.length} columns to Parquet, median of ${runs}`,
  );
  console.table(
    Object.fromEntries(
      results.map(({ name, rates, size }) => [
        name,
        {
          'rows/s': Math.round(median(rates)).toLocaleString('en'),
          'ours / peer': Number((mine / median(rates)).toFixed(2)),
          MB: Number((size / 1e6).toFixed(1)),
        },
      ]),
    ),
  );
  return 0;
}

runCommand({
  call: 'npm run bench -- encode',
  does: action({ meaning: 'Clicks to Parquet bytes, against three other writers.', flags, run: measure }),
});
