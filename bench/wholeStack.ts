import { join } from 'node:path';
import { startHostProcess } from '../local/processes';
import type { Emulators } from '../local/stack';
import { numberFlag, switchFlag } from '../src/cli/commandLine/arguments';
import { action, type Given } from '../src/cli/commandLine/command';
import { runCommand } from '../src/cli/commandLine/runCommand';
import type { EventProducer } from '../src/lib/sources/sendEvents';
import { openAzureBlobStore } from '../src/lib/storage/azureBlobStore';
import { clickstream } from '../src/lib/streams/clickstream';
import { disabledSources } from '../test/kit/disabledFunctions';
import { hasPython } from '../test/kit/peer';
import { type RequestCounts, type StorageProxy, startStorageProxy } from '../test/kit/storageProxy';
import { keepBusy, watchOtherWork } from './busyWork';
import { catchUpMs, LogTail } from './logTail';
import { longestBlock, watchedLoop } from './loopDelay';
import { listFlag, percentile, printTable, rounded } from './numbers';
import { offer } from './offer';
import { watchUsage } from './processUsage';
import { type Measured, measureDiscarding, measureLoop, type OfferAt } from './wholeStackPeers';
import { withEmulators, withProducer } from './withEmulators';

/*
 * The whole stack at several offered rates: broker, Azurite, and a Functions host with the app are processes, and a producer runs in this
 * one. It is compared with a bare SDK consumer in a process of its own that discards the events, which shows what Event Hubs alone costs.
 *
 *   npm run bench -- wholeStack [--rates 1000,5000,20000] [--seconds 15] [--one-key] [--busy] [--peers]
 */

const flags = {
  rates: listFlag('events/s', [1000, 5000, 20_000]),
  seconds: numberFlag({ meaning: 'for each rate', fallback: 15, least: 1, most: 3600 }),
  'one-key': switchFlag('send all events under one key, and so to one partition'),
  peers: switchFlag('measure a consumer that appends with deltalake once a second, too'),
  busy: switchFlag(
    'ask for the counts once a second, and have the tables maintained at the start of each rate',
  ),
};

runCommand({
  call: 'npm run bench -- wholeStack',
  does: action({
    meaning: 'The whole stack at three rates, against a consumer that discards.',
    flags,
    run: measureAll,
  }),
});

async function measureAll(given: Given<typeof flags>): Promise<number> {
  if (given.peers && !hasPython())
    throw new Error(
      'What is measured beside it needs the environment of Python that npm run test:interop makes: run that first.',
    );
  return withEmulators((emulators) =>
    withProducer(emulators.settings, (producer) => measureOn(emulators, producer, given)),
  );
}

async function measureOn(
  emulators: Emulators,
  producer: EventProducer,
  { rates, seconds, 'one-key': oneKey, busy, peers }: Given<typeof flags>,
): Promise<number> {
  const key = oneKey ? 'one' : undefined;
  const offerAt = (rate: number, forSeconds = seconds) => offer(producer, rate, { seconds: forSeconds, key });
  const ours = await measureStack(emulators, offerAt, rates, { seconds, busy });
  const loop = peers ? await measureLoop(emulators, offerAt, rates) : [];
  const bare = await measureDiscarding(emulators, offerAt, rates);
  const lines = rates.flatMap((_, index) => [
    asLine('the whole stack', ours[index]),
    ...(peers ? [asLine('Python: consumer and deltalake', loop[index])] : []),
    asLine('SDK consumer that discards', bare[index]),
  ]);
  printRates(seconds, lines);
  for (const { rate, work } of ours) printWork(rate, work);
  return [...ours, ...loop, ...bare].every(({ accepted, arrived }) => accepted === arrived) ? 0 : 1;
}

function printRates(seconds: number, lines: readonly string[][]): void {
  console.log(
    `Events from an SDK producer, ${seconds} s at each rate; delays in milliseconds from enqueued to visible`,
  );
  printTable(
    [
      '',
      'offered/s',
      'accepted/s',
      'sustained/s',
      'missing',
      'p50',
      'p99',
      'MiB',
      'CPU s/million',
      'commits/s',
      'lake req/1000',
      'host req/1000',
      'blocked ms',
      'of CPU',
    ],
    lines,
  );
}

function printWork(rate: number, work: Measured['work']): void {
  if (!work) return;
  const { loads, loadedRows, countsAnswers, maintenanceSteps } = work;
  console.log(
    `Meanwhile at ${rounded(rate)}/s: ${loads} loads of the warehouse with ${loadedRows.toLocaleString('en-US')} rows, ${countsAnswers} answers with counts, ${maintenanceSteps} steps of maintenance.`,
  );
}

const asLine = (name: string, measured: Measured | undefined): string[] => {
  if (!measured) return [name];
  const { rate, accepted, offeredFor, seconds, arrived, delays, usage, requests, commits, blocked } =
    measured;
  const perThousand = (count: number | undefined) =>
    count === undefined ? '-' : rounded((count / Math.max(1, accepted)) * 1000);
  return [
    name,
    rounded(rate),
    rounded(accepted / offeredFor),
    rounded(arrived / seconds),
    String(accepted - arrived),
    rounded(percentile(delays, 0.5)),
    rounded(percentile(delays, 0.99)),
    rounded(usage.memory),
    rounded((usage.cpuSeconds / Math.max(1, arrived)) * 1e6),
    commits === undefined ? '-' : rounded(commits / seconds),
    perThousand(requests?.lake),
    perThousand(requests?.host),
    rounded(blocked?.ms ?? Number.NaN),
    rounded(blocked?.cpuMs ?? Number.NaN),
  ];
};

async function measureStack(
  emulators: Emulators,
  offerAt: OfferAt,
  rates: readonly number[],
  { seconds, busy }: { readonly seconds: number; readonly busy: boolean },
): Promise<Measured[]> {
  const { settings, logDir } = emulators;
  const direct = settings.LakeStorage ?? '';
  const lake = await startStorageProxy(direct);
  const checkpoints = await startStorageProxy(direct);
  const loopFile = join(logDir, 'loopDelay.txt');
  const host = await startHostProcess({
    port: 0,
    settings: {
      ...settings,
      LakeStorage: lake.connectionString,
      AzureWebJobsStorage: checkpoints.connectionString,
      ...disabledSources(),
      ...watchedLoop(loopFile),
    },
    logDir,
  });
  try {
    const store = await openAzureBlobStore({ connectionString: direct }, settings.LAKE_CONTAINER ?? 'lake');
    const tail = new LogTail({ store, table: clickstream.table });
    // Wait until the table exists and the host reads its partitions.
    await offerAt(100, 1);
    await tail.follow(100);
    const measured: Measured[] = [];
    for (const rate of rates) {
      const started = Date.now();
      const doneMeanwhile = watchOtherWork(join(logDir, 'host.log'));
      const rest = busy ? keepBusy(host.url) : undefined;
      const found = await measureRate({ offerAt, tail, lake, checkpoints, pid: host.pid }, rate, seconds);
      const countsAnswers = rest?.() ?? 0;
      const work = { ...doneMeanwhile(), countsAnswers };
      measured.push({ ...found, work, blocked: longestBlock(loopFile, started) });
    }
    return measured;
  } finally {
    await host.stop();
    await lake.close();
    await checkpoints.close();
  }
}

/** The parts with which one rate is measured. */
interface Stand {
  readonly offerAt: OfferAt;
  readonly tail: LogTail;
  readonly lake: StorageProxy;
  readonly checkpoints: StorageProxy;
  /** The host's process id. */
  readonly pid: number;
}

async function measureRate(
  { offerAt, tail, lake, checkpoints, pid }: Stand,
  rate: number,
  seconds: number,
): Promise<Measured> {
  lake.reset();
  checkpoints.reset();
  tail.forget();
  const started = performance.now();
  const usage = watchUsage(pid);
  const [{ accepted, offeredFor }] = await Promise.all([
    offerAt(rate),
    tail.follow(rate * seconds, seconds * 1000),
  ]);
  await tail.follow(accepted, catchUpMs);
  const took = (performance.now() - started) / 1000;
  const used = usage();
  const total = ({ puts, gets, lists, others }: RequestCounts) => puts + gets + lists + others;
  const requests = { lake: total(lake.counts), host: total(checkpoints.counts) };
  const delays = await tail.delays();
  const { rows: arrived, commits } = tail;
  return { rate, accepted, offeredFor, seconds: took, arrived, delays, usage: used, requests, commits };
}
