import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { action } from '../src/cli/commandLine/command';
import { runCommand } from '../src/cli/commandLine/runCommand';

/*
 * `npm run bench -- <name> [options]`: measurements. Each is a table with our figure, another program's, and the ratio of the two.
 */

interface Bench {
  readonly file: string;
  readonly options?: readonly string[];
  readonly meaning: string;
}

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
  },
  counts: {
    file: 'counts',
    meaning: 'the click counts and their API, against DuckDB',
  },
  manyProducts: {
    file: 'manyProducts',
    meaning: 'memory and time of the counts at a million distinct products',
  },
  lakeScan: {
    file: 'lakeScan',
    meaning: 'a history that is scanned from the files, against DuckDB',
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
  },
  brokerSoak: {
    file: 'brokerSoak',
    meaning: 'the Event Hubs broker under load for a long time',
  },
};

const run = (file: string, options: readonly string[]): number =>
  spawnSync(process.execPath, [join(__dirname, `${file}.js`), ...options], { stdio: 'inherit' }).status ?? 1;

/** What stands after the name of a bench, which the bench reads itself, including --help. */
const others = process.argv.slice(3);

runCommand(
  {
    call: 'npm run bench',
    meaning:
      "Measurements, each a table with ours, a peer's and their ratio. Their options: npm run bench -- NAME --help.",
    subcommands: Object.fromEntries(
      Object.entries(benches).map(([name, { file, options = [], meaning }]) => [
        name,
        action({ meaning, run: async () => run(file, [...options, ...others]) }),
      ]),
    ),
  },
  process.argv.slice(2, 3),
);
