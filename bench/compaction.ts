import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DuckDBInstance } from '@duckdb/node-api';
import { type HostProcess, startHostProcess } from '../local/processes';
import type { Emulators } from '../local/stack';
import { numberFlag } from '../src/cli/commandLine/arguments';
import { action, type Given } from '../src/cli/commandLine/command';
import { runCommand } from '../src/cli/commandLine/runCommand';
import { followSnapshot } from '../src/lib/delta/follow';
import type { TableLocation } from '../src/lib/delta/log';
import { openSnapshot } from '../src/lib/delta/openTable';
import { inParallel } from '../src/lib/inParallel';
import type { EventProducer } from '../src/lib/sources/sendEvents';
import { openAzureBlobStore } from '../src/lib/storage/azureBlobStore';
import { clickstream } from '../src/lib/streams/clickstream';
import { disabledSources } from '../test/kit/disabledFunctions';
import { catchUpMs, LogTail } from './logTail';
import { median, percentile, printTable, rounded } from './numbers';
import { offer } from './offer';
import { withEmulators, withProducer } from './withEmulators';

/*
 * Compacts a table of many small files while events arrive. It measures how late the events become rows before and during that, and how
 * much faster DuckDB reads the files afterwards. Durable Functions run in a host of their own, as on Flex Consumption. There that host also
 * has its own machine; here it only gets the processor time that the others leave, because otherwise the measurement would be of two cores
 * that all share. At the end `verify` compares lake, hub, counts and warehouse.
 *
 *   npm run bench -- compaction [--files 2000] [--rate 2000] [--seconds 15]
 */

const flags = {
  files: numberFlag({ meaning: 'small files at the beginning', fallback: 2000, most: 100_000, whole: true }),
  rate: numberFlag({ meaning: 'events/s', fallback: 2000, most: 100_000 }),
  seconds: numberFlag({
    meaning: 'how long the delay is measured before, and at least meanwhile',
    fallback: 15,
    most: 600,
  }),
};
const runsOfQuery = 5;
const query =
  'select productid, count(*) from read_parquet($files) group by productid order by 2 desc limit 20';

runCommand({
  call: 'npm run bench -- compaction',
  does: action({ meaning: 'A compaction while events arrive.', flags, run: measure }),
});

/** The running parts that are measured. */
interface Stand {
  readonly emulators: Emulators;
  readonly at: TableLocation;
  readonly tail: LogTail;
  readonly producer: EventProducer;
  readonly rate: number;
}

async function measure(given: Given<typeof flags>): Promise<number> {
  return withEmulators((emulators, dataDir) =>
    withProducer(emulators.settings, (producer) => measureOn(emulators, producer, dataDir, given)),
  );
}

async function measureOn(
  emulators: Emulators,
  producer: EventProducer,
  dataDir: string,
  { files, rate, seconds }: Given<typeof flags>,
): Promise<number> {
  const { settings } = emulators;
  const store = await openAzureBlobStore({ connectionString: settings.LakeStorage ?? '' }, 'lake');
  const at = { store, table: clickstream.table };
  const stand: Stand = { emulators, at, tail: new LogTail(at), producer, rate };
  await fill(stand, files);
  return compactUnderLoad(stand, seconds, dataDir);
}

const startIngest = ({ emulators }: Stand, own: Record<string, string> = {}): Promise<HostProcess> =>
  startHostProcess({
    port: 0,
    instance: 'ingest',
    settings: { ...emulators.settings, ...disabledSources(), ...own },
    logDir: emulators.logDir,
  });

/** Commits as fast as it can, until the table has this many files. */
async function fill(stand: Stand, files: number): Promise<void> {
  const host = await startIngest(stand, { COMMIT_INTERVAL: '1ms' });
  try {
    let live = 0;
    const isEnough = () => live >= files;
    const follower = followSnapshot(stand.at);
    const counting = (async () => {
      while (!isEnough()) {
        live = (await follower.toHead())?.files.size ?? 0;
        await sleep(1000);
      }
    })();
    const { accepted } = await offer(stand.producer, stand.rate, { seconds: 3600, isEnough });
    await counting;
    await stand.tail.follow(accepted, 10 * catchUpMs);
  } finally {
    await host.stop();
  }
}

async function compactUnderLoad(stand: Stand, seconds: number, dataDir: string): Promise<number> {
  const { emulators, at, producer, rate } = stand;
  const { settings, logDir } = emulators;
  const ingest = await startIngest(stand);
  const durable = await startHostProcess({
    port: 0,
    instance: 'durable',
    group: 'durable',
    settings,
    logDir,
  });
  leaveProcessorToOthers(durable.pid);
  try {
    // The host needs a while to get its partitions.
    await delaysOf(stand, () => offer(producer, rate, { seconds: 5 }));
    const before = await delaysOf(stand, () => offer(producer, rate, { seconds }));
    const files = [await download(at, dataDir, 'before')];
    let isOver = false;
    const pass = compactTable(ingest.url).finally(() => {
      isOver = true;
    });
    const endsAt = performance.now() + seconds * 1000;
    const during = await delaysOf(stand, () =>
      offer(producer, rate, {
        seconds: 3600,
        isEnough: () => isOver && performance.now() >= endsAt,
      }),
    );
    const { took, result } = await pass;
    files.push(await download(at, dataDir, 'after'));
    printDelays({ before, during });
    console.log(`\nThe pass took ${rounded(took / 1000)} s: ${result}`);
    await printQueries(files, dataDir);
    return verify(settings, dataDir);
  } finally {
    await durable.stop();
    await ingest.stop();
  }
}

/** Gives a process the lowest priority. Linux may divide time between sessions first, so each session also has a priority of its own. */
function leaveProcessorToOthers(pid: number): void {
  setPriority(pid, constants.priority.PRIORITY_LOW);
  const ofSession = `/proc/${pid}/autogroup`;
  if (existsSync(ofSession)) writeFileSync(ofSession, String(constants.priority.PRIORITY_LOW));
}

/** The delays of all events that `send` sends, in milliseconds from enqueued to visible. */
async function delaysOf(
  { tail }: Stand,
  send: () => Promise<{ accepted: number }>,
): Promise<readonly number[]> {
  tail.forget();
  let accepted = Number.POSITIVE_INFINITY;
  const sending = send().then((sent) => {
    accepted = sent.accepted;
  });
  const following = (async () => {
    while (tail.rows < accepted) await tail.follow(tail.rows + 1, 1000);
  })();
  await Promise.all([sending, following]);
  return tail.delays();
}

async function compactTable(url: string): Promise<{ took: number; result: string }> {
  const started = performance.now();
  const path = `${url}/api/maintenance`;
  for (let started = false; !started; await sleep(200)) {
    const reply = await fetch(`${path}?table=${clickstream.table}&step=compact`, { method: 'POST' });
    started = ((await reply.json()) as { started: boolean }).started;
  }
  for (;;) {
    const reply = await fetch(path);
    const { output } = (await reply.json()) as { output?: { tables: { compaction?: unknown }[] } };
    if (reply.status === 200)
      return { took: performance.now() - started, result: JSON.stringify(output?.tables[0]?.compaction) };
    await sleep(100);
  }
}

/** Copies the live files of a table into a folder of this machine. */
async function download({ store, table }: TableLocation, dataDir: string, name: string): Promise<string> {
  const folder = join(dataDir, name);
  mkdirSync(folder);
  const paths = [...((await openSnapshot({ store, table }))?.files.keys() ?? [])];
  await inParallel(paths, 8, async (path) => {
    const found = await store.get(`${table}/${path}`);
    if (found) writeFileSync(join(folder, path), found.bytes);
  });
  console.log(`${name}: ${paths.length} files`);
  return folder;
}

function printDelays(delays: Readonly<Record<string, readonly number[]>>): void {
  console.log('\nMilliseconds from enqueued to visible');
  const cells = (values: readonly number[]) =>
    [0.5, 0.95, 0.99].map((share) => rounded(percentile(values, share)));
  printTable(
    ['', 'events', 'p50', 'p95', 'p99'],
    Object.entries(delays).map(([name, values]) => [name, rounded(values.length), ...cells(values)]),
  );
  const [before = Number.NaN, during = Number.NaN] = Object.values(delays).map((values) =>
    percentile(values, 0.99),
  );
  console.log(`p99 during / before: ${rounded(during / before)}`);
}

async function printQueries(folders: readonly string[], dataDir: string): Promise<void> {
  const duckdb = await DuckDBInstance.create(':memory:');
  const connection = await duckdb.connect();
  const times: number[] = [];
  for (const folder of folders) {
    const runs: number[] = [];
    for (let run = 0; run < runsOfQuery; run++) {
      const started = performance.now();
      await connection.runAndReadAll(query.replace('$files', `'${join(folder, '*.parquet')}'`));
      runs.push(performance.now() - started);
    }
    times.push(median(runs));
  }
  duckdb.closeSync();
  console.log(`\nClicks per product in DuckDB, median of ${runsOfQuery}, in milliseconds`);
  printTable(
    ['', 'milliseconds'],
    folders.map((folder, index) => [folder.slice(dataDir.length + 1), rounded(times[index] ?? Number.NaN)]),
  );
  console.log(`before / after: ${rounded((times[0] ?? Number.NaN) / (times[1] ?? Number.NaN))}`);
}

function verify(settings: Readonly<Record<string, string>>, dataDir: string): number {
  const file = join(dataDir, 'bench.settings.json');
  writeFileSync(file, JSON.stringify({ Values: settings }));
  const argv = [join(__dirname, '../src/cli/verify.js'), clickstream.name, '--settings', file];
  return spawnSync(process.execPath, argv, { stdio: 'inherit' }).status ?? 1;
}
