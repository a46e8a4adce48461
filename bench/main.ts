import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { runCommand, UsageError } from '../src/cli/commandLine';

/*
 * `npm run bench -- <name> [options]`: measurements, each a table with ours, a peer's and their ratio.
 */

const benches: Readonly<Record<string, { readonly file: string; readonly meaning: string }>> = {
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
  openSnapshot: { file: 'openSnapshot', meaning: 'opening a table of 10,000 files, against deltalake' },
  counts: { file: 'counts', meaning: 'the click counts and their API, against DuckDB' },
  wholeStack: {
    file: 'wholeStack',
    meaning: 'the whole stack at three rates, against a consumer that discards',
  },
  warehouse: { file: 'warehouse', meaning: 'rows into the warehouse, against an appender and single rows' },
  brokerSoak: { file: 'brokerSoak', meaning: 'the Event Hubs broker under load for a long time' },
};

const width = Math.max(...Object.keys(benches).map((name) => name.length));
const list = Object.entries(benches).map(([name, { meaning }]) => `  ${name.padEnd(width)}  ${meaning}`);
const usage = `npm run bench -- <name> [options]\n${list.join('\n')}`;
const [name = '', ...rest] = process.argv.slice(2);
const bench = benches[name];

// A bench's own --help is the bench's to answer.
if (bench) {
  const { status } = spawnSync(process.execPath, [join(__dirname, `${bench.file}.js`), ...rest], {
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
} else
  runCommand(usage, async () => {
    throw new UsageError(name === '' ? 'Which bench?' : `There is no bench ${JSON.stringify(name)}.`);
  });
