import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { numberFlag, switchFlag } from '../src/cli/commandLine/arguments';
import { action, type Flag, type Flags } from '../src/cli/commandLine/command';
import { runCommand } from '../src/cli/commandLine/runCommand';
import { listFlag } from './numbers';

/*
 * `npm run bench -- <name> [options]`: measurements. Each is a table with our figure, another program's, and the ratio of the two.
 */

interface Bench {
  readonly file: string;
  readonly options?: readonly string[];
  readonly meaning: string;
  /** The flags that it takes. If they are missing, it reads its arguments itself, including --help. */
  readonly flags?: Flags;
}

const count = (meaning: string, fallback: number): Flag<number> =>
  numberFlag({ meaning, fallback, least: 1, most: 100_000_000, whole: true });

const benches: Readonly<Record<string, Bench>> = {
  encode: {
    file: 'encodeParquet',
    meaning: 'a million clicks to Parquet bytes, against three other writers',
  },
  ingestPath: { file: 'ingestPath', meaning: 'bodies to Parquet and a commit without I/O, against DuckDB' },
  commitLatency: {
    file: 'commitLatency',
    meaning: 'a commit to tables of 10, 1,000 and 10,000 versions, against deltalake',
  },
  appendPeers: { file: 'appendPeers', meaning: 'appends by one writer and by four, against deltalake' },
  openSnapshot: {
    file: 'openSnapshot',
    meaning: 'opening tables of 10,000 and 100,000 files, against deltalake',
    flags: {},
  },
  counts: {
    file: 'counts',
    meaning: 'the click counts and their API, against DuckDB',
    flags: { rows: count('that a cold start counts', 1_000_000) },
  },
  manyProducts: {
    file: 'manyProducts',
    meaning: 'memory and time of the counts at a million distinct products',
    flags: {
      products: count('distinct ones', 1_000_000),
      rows: count('of the table', 2_000_000),
      limits: listFlag('how many products are counted on their own', [250_000, 1_000_000]),
      hours: count('in which the clicks are', 1),
    },
  },
  lakeScan: {
    file: 'lakeScan',
    meaning: 'a history that is scanned from the files, against DuckDB',
    flags: { rows: count('of the table', 4_000_000), files: count('of the table', 16) },
  },
  wholeStack: {
    file: 'wholeStack',
    meaning: 'the whole stack at three rates, against a consumer that discards',
  },
  peers: {
    file: 'wholeStack',
    options: ['--peers'],
    meaning: 'the whole stack, against a consumer with deltalake in Python',
  },
  batchMemory: { file: 'batchMemory', meaning: 'what one trigger batch costs in memory' },
  sqlLoads: { file: 'sqlLoads', meaning: 'a load of SQL Server as text, as a bulk load, and with OPENJSON' },
  warehouse: { file: 'warehouse', meaning: 'rows into the warehouse, against an appender and single rows' },
  compaction: {
    file: 'compaction',
    meaning: 'a compaction while events arrive, and what it does for DuckDB',
  },
  costs: { file: 'costs', meaning: 'what the app costs a day, counted here and priced' },
  verifyRows: {
    file: 'verifyRows',
    meaning: 'time and memory of a proof that each event is there once',
    flags: { rows: count('of the table', 10_000_000), 'rows-per-file': count('of each file', 10_000) },
  },
  brokerSoak: {
    file: 'brokerSoak',
    meaning: 'the Event Hubs broker under load for a long time',
    flags: {
      seconds: count('how long', 60),
      rate: count('events/s', 20_000),
      port: numberFlag({ meaning: 'of the broker', fallback: 5679, least: 1, most: 65_535, whole: true }),
      memory: switchFlag('keep the events in memory instead of a log on disk'),
    },
  },
};

const run = (file: string, options: readonly string[]): number =>
  spawnSync(process.execPath, [join(__dirname, `${file}.js`), ...options], { stdio: 'inherit' }).status ?? 1;

/** Flags as the command-line arguments of a bench's file. */
const asArguments = (given: Readonly<Record<string, unknown>>): string[] =>
  Object.entries(given).flatMap(([name, value]) => {
    if (typeof value === 'boolean') return value ? [`--${name}`] : [];
    return [`--${name}`, String(value)];
  });

const [, , chosen = '', ...others] = process.argv;
const isReadHere = Object.hasOwn(benches, chosen) && benches[chosen]?.flags !== undefined;

runCommand(
  {
    call: 'npm run bench',
    meaning:
      "Measurements, each a table with ours, a peer's and their ratio. Options that are not below: npm run bench -- NAME --help.",
    subcommands: Object.fromEntries(
      Object.entries(benches).map(([name, { file, options = [], meaning, flags }]) => [
        name,
        action({
          meaning,
          ...(flags ? { flags } : {}),
          run: async (given) => run(file, [...options, ...(flags ? asArguments(given) : others)]),
        }),
      ]),
    ),
  },
  process.argv.slice(2, isReadHere ? undefined : 3),
);
