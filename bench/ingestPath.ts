import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { numberFlag } from '../src/cli/commandLine/arguments';
import { action, type Given } from '../src/cli/commandLine/command';
import { runCommand } from '../src/cli/commandLine/runCommand';
import { serializeCommit } from '../src/lib/delta/actions';
import { encodeParquet } from '../src/lib/delta/parquet/encode';
import { withoutNullColumns } from '../src/lib/delta/parquet/nullColumns';
import { deltaStats } from '../src/lib/delta/statistics';
import { decodeEvents } from '../src/lib/ingest/decodeEvents';
import { planRound } from '../src/lib/ingest/round';
import { tableFields } from '../src/lib/lake/rowAddress';
import { createClickSimulator } from '../src/lib/sources/clickSimulator';
import { clickstream } from '../src/lib/streams/clickstream';
import type { ColumnType, Stream } from '../src/lib/streams/stream';
import { median, printTable, rounded } from './numbers';
import { orderBodies, orders } from './orders';

/*
 * The path from event bodies to Parquet bytes and a commit, without any I/O, on one core: events per second, and the time of each stage.
 * The events are clicks, which are numbers and times, and orders, which have texts. DuckDB does the same with read_json and COPY, on one
 * thread, with files in memory, on the same bodies and for the same columns.
 *
 *   npm run bench -- ingestPath [--seconds 10]
 */

const flags = {
  seconds: numberFlag({ meaning: 'for each stream and size of a batch', fallback: 10, least: 1, most: 600 }),
};
const start = Date.UTC(2026, 0, 1);

interface Measured {
  readonly stream: Stream;
  readonly bodies: (count: number) => Buffer[];
}

const measured: readonly Measured[] = [
  { stream: clickstream, bodies: clickBodies },
  { stream: orders, bodies: (count) => orderBodies(count, start) },
];

interface Stages {
  decode: number;
  plan: number;
  encode: number;
  commit: number;
}

runCommand({
  call: 'npm run bench -- ingestPath',
  does: action({
    meaning: 'Bodies to Parquet and a commit without I/O, against DuckDB.',
    flags,
    run: measureIngestPath,
  }),
});

async function measureIngestPath({ seconds }: Given<typeof flags>): Promise<number> {
  // If there is no folder in memory, DuckDB's times include the page cache.
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'ingest-path-'));
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  await connection.run(`set TimeZone = 'UTC'`);
  try {
    const lines: string[][] = [];
    for (const { stream, bodies: make } of measured)
      for (const size of [1000, 10_000]) {
        const bodies = make(size);
        const json = join(folder, `${size}.json`);
        writeFileSync(json, Buffer.concat(bodies.flatMap((body) => [body, Buffer.from('\n')])));
        const sql = copyStatement(stream, json, join(folder, `${size}.parquet`));
        lines.push(await measureBatch(stream, bodies, () => connection.run(sql), seconds));
      }
    console.log(
      'Bodies to Parquet and a commit: million events/s on one core, and nanoseconds an event by stage',
    );
    const header = ['batch', 'ours', 'DuckDB', 'ours / DuckDB', 'decode', 'plan', 'encode', 'commit'];
    printTable(header, lines);
    return 0;
  } finally {
    connection.closeSync();
    instance.closeSync();
    rmSync(folder, { recursive: true });
  }
}

/** Measures one line of the table: batches of these bodies, alternating between our code and DuckDB. */
async function measureBatch(
  stream: Stream,
  bodies: readonly Buffer[],
  runDuckDb: () => Promise<unknown>,
  seconds: number,
): Promise<string[]> {
  const size = bodies.length;
  const ours: Stages[] = [];
  const theirs: number[] = [];
  for (let i = 0; i < 100_000 / size; i++) ingest(stream, bodies);
  await runDuckDb();
  for (const endAt = performance.now() + seconds * 1000; performance.now() < endAt; ) {
    ours.push(ingest(stream, bodies));
    const started = performance.now();
    await runDuckDb();
    theirs.push(performance.now() - started);
  }
  const total = median(ours.map(({ decode, plan, encode, commit }) => decode + plan + encode + commit));
  const duck = median(theirs);
  const stage = (name: keyof Stages) => {
    const ms = median(ours.map((one) => one[name]));
    return `${rounded((ms / size) * 1e6)} (${rounded((ms / total) * 100)} %)`;
  };
  return [
    `${stream.name}, ${size.toLocaleString('en-US')}`,
    rounded(size / total / 1000),
    rounded(size / duck / 1000),
    rounded(duck / total),
    ...(['decode', 'plan', 'encode', 'commit'] as const).map(stage),
  ];
}

function clickBodies(count: number): Buffer[] {
  const simulator = createClickSimulator({ seed: 42, now: start });
  return simulator.tick(start + 10_000, count / 10).map((click) => Buffer.from(JSON.stringify(click)));
}

/** Takes a trigger batch of one partition through all stages. Returns the milliseconds of each stage. */
function ingest(stream: Stream, bodies: readonly Buffer[]): Stages {
  const fields = tableFields(stream);
  const enqueuedAt = start * 1000;
  const started = performance.now();
  const events = decodeEvents(
    stream,
    bodies.map((body, sequenceNumber) => ({ body, sequenceNumber, enqueuedAt })),
  );
  const decoded = performance.now();
  const batch = {
    appId: 'ns/hub@2026-01-01t00:00:00.000z/0',
    hubCreatedAt: enqueuedAt,
    partition: 0,
    events,
  };
  const round = planRound({
    batches: [batch],
    committed: new Map(),
    stream: stream.name,
    fields,
  });
  const planned = performance.now();
  const { stored, boundsOfAll } = withoutNullColumns({ fields, columns: round.columns });
  const file = encodeParquet(stored);
  const { bytes, numRecords } = file;
  const encoded = performance.now();
  if (numRecords !== bodies.length) throw new Error(`${bodies.length} bodies became ${numRecords} rows.`);
  const add = {
    path: 'part-00000-00000000-0000-4000-8000-000000000000.snappy.parquet',
    partitionValues: {},
    size: bytes.length,
    modificationTime: start,
    dataChange: true,
    stats: deltaStats(fields, boundsOfAll(file), numRecords),
  };
  serializeCommit([{ commitInfo: {} }, ...round.txns.map((txn) => ({ txn })), { add }]);
  return {
    decode: decoded - started,
    plan: planned - decoded,
    encode: encoded - planned,
    commit: performance.now() - encoded,
  };
}

/** DuckDB's type for each type of a column. */
const duckDbTypes: Readonly<Partial<Record<ColumnType, string>>> = {
  string: 'varchar',
  integer: 'integer',
  long: 'bigint',
  double: 'double',
  timestamp: 'timestamptz',
};

function copyStatement({ columns }: Stream, json: string, parquet: string): string {
  const names = columns.map(({ name }) => `"${name}"`);
  const types = columns.map(({ name, type }) => `"${name}": '${duckDbTypes[type]}'`);
  return `
  copy (
    select ${names.join(', ')},
      to_timestamp(${start / 1000}) as enqueued_at, to_timestamp(${start / 1000}) as hub_created_at,
      0::integer as hub_partition, (row_number() over ())::bigint as sequence_number, 0::integer as element,
      null::varchar as _rescued_data
    from read_json('${json}', format = 'newline_delimited', columns = {${types.join(', ')}})
  ) to '${parquet}' (format parquet, compression snappy)`;
}
