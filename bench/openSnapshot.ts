/**
 * Opens a snapshot of a table with many live files from its checkpoint, against Python's deltalake, and writes the next
 * checkpoint: time and peak memory, each in a process of its own. Ours reads a store in memory, deltalake the same log from a
 * local folder. Without the environment that `npm run test:interop` creates, deltalake is left out.
 *
 *   npm run bench -- openSnapshot [--files 10000] [--more 100000] [--runs 5]
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { numberFlag } from '../src/cli/commandLine/arguments';
import { action, type Given } from '../src/cli/commandLine/command';
import { runCommand } from '../src/cli/commandLine/runCommand';
import type { Add } from '../src/lib/delta/actions';
import { createTable } from '../src/lib/delta/commit';
import { checkpointPath, commitPath } from '../src/lib/delta/log';
import { openState } from '../src/lib/delta/openTable';
import { encodeCheckpointRows } from '../src/lib/delta/parquet/encodeCheckpoint';
import { field } from '../src/lib/delta/schema';
import { deltaStats } from '../src/lib/delta/statistics';
import { checkpoint } from '../src/lib/maintenance/checkpoint';
import { moveLastCheckpoint } from '../src/lib/maintenance/lastCheckpoint';
import { MemoryStore } from '../src/lib/storage/memoryStore';
import { type Figures, measureOpening } from './measureOpening';

const fields = [
  field('productid', 'integer'),
  field('timestamp', 'timestamp'),
  field('sessionid', 'long'),
  field('category', 'integer'),
  field('enqueued_at', 'timestamp', false),
  field('hub_created_at', 'timestamp', false),
  field('hub_partition', 'integer', false),
  field('sequence_number', 'long', false),
  field('element', 'integer', false),
];

/** The add action of a file of a thousand clicks. */
function addOf(file: number): Add {
  const start = 1_780_000_000_000_000 + file * 1_000_000;
  const bound = (min: number, max: number) => ({ nullCount: 0, min, max });
  const bounds = [
    bound(1, 670),
    bound(start - 60_000_000, start),
    bound(700_000, 900_000 + file),
    bound(1, 10),
    bound(start, start + 999_000),
    bound(1_700_000_000_000_000, 1_700_000_000_000_000),
    bound(0, 3),
    bound(file * 250, file * 250 + 999),
    bound(0, 0),
  ];
  const id = `${file.toString(16).padStart(8, '0')}-74c5-4f0b-9d0a-${(file * 7919).toString(16).padStart(12, '0')}`;
  return {
    path: `part-00000-${id}.snappy.parquet`,
    partitionValues: {},
    size: 21_000 + (file % 5000),
    modificationTime: start / 1000,
    dataChange: true,
    stats: deltaStats(fields, bounds, 1000),
  };
}

function* rows(state: Awaited<ReturnType<typeof openState>>, files: number) {
  if (!state) return;
  yield { protocol: state.protocol };
  yield { metaData: state.metaData };
  for (let partition = 0; partition < 4; partition++)
    yield { txn: { appId: `contoso.servicebus.windows.net/clicks@2026/${partition}`, version: files * 250 } };
  for (let file = 0; file < files; file++) yield { add: addOf(file) };
}

/** Writes a table's log into a local folder: version 0 with a checkpoint that holds all its files, then one commit. */
async function writeLog(folder: string, files: number): Promise<void> {
  const at = { store: new MemoryStore(), table: 'clicks' };
  await createTable(at, fields);
  const { bytes, numRows } = encodeCheckpointRows(rows(await openState(at), files));
  await at.store.put(checkpointPath('clicks', 0), bytes);
  const commitInfo = { timestamp: Date.now(), operation: 'WRITE' };
  await at.store.put(commitPath('clicks', 1), Buffer.from(`${JSON.stringify({ commitInfo })}\n`));
  const sizeInBytes = bytes.length;
  await moveLastCheckpoint(at, { version: 0, size: numRows, sizeInBytes, numOfAddFiles: files });
  mkdirSync(join(folder, 'clicks/_delta_log'), { recursive: true });
  for await (const { path } of at.store.list('clicks/'))
    writeFileSync(join(folder, path), (await at.store.get(path))?.bytes ?? '');
}

function run(command: string, args: readonly string[]): Figures | undefined {
  const { status, stdout } = spawnSync(command, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return status === 0 && stdout ? JSON.parse(stdout) : undefined;
}

const flags = {
  files: numberFlag({
    meaning: 'live files of the first table',
    fallback: 10_000,
    most: 1_000_000,
    whole: true,
  }),
  more: numberFlag({
    meaning: 'live files of the second table',
    fallback: 100_000,
    most: 1_000_000,
    whole: true,
  }),
  runs: numberFlag({ meaning: 'how often each is done', fallback: 5, most: 1000, whole: true }),
};

async function compare(given: Given<typeof flags>): Promise<number> {
  const [files, many, runs] = [given.files, given.more, given.runs].map(String) as [string, string, string];
  const folder = mkdtempSync(join(tmpdir(), 'snapshot-'));
  const python = resolve('node_modules/.cache/interop-venv/bin/python');
  const table: Record<string, Record<string, number>> = {};
  const note = (name: string, figures: Figures | undefined) => {
    if (figures)
      table[name] = { ms: Math.round(figures.milliseconds), 'peak MB': Math.round(figures.peakBytes / 1e6) };
  };
  try {
    const ourOwn = { state: 'openOnce.js', snapshot: 'openOnce.js', checkpoint: 'openSnapshot.js' };
    for (const count of [files, many]) {
      const log = join(folder, count);
      spawnSync(process.execPath, [__filename, 'write', log, count], { stdio: 'inherit' });
      for (const [task, program] of Object.entries(ourOwn)) {
        note(`${count} files: ${task}`, run(process.execPath, [join(__dirname, program), task, log, runs]));
      }
      if (existsSync(python))
        note(
          `${count} files: snapshot, deltalake`,
          run(python, [resolve('bench/openSnapshot.py'), join(log, 'clicks'), runs]),
        );
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  console.log(`Opening a table from its checkpoint, and writing the next checkpoint, median of ${runs}`);
  console.table(table);
  return 0;
}

const [task = '', folder = '', count] = process.argv.slice(2);
if (task === 'write') void writeLog(folder, Number(count));
else if (task === 'checkpoint') void measureOpening(folder, Number(count), (at) => checkpoint({ at }));
else
  runCommand({
    call: 'npm run bench -- openSnapshot',
    does: action({ meaning: 'Opening a table of many files, against deltalake.', flags, run: compare }),
  });
