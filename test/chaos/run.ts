import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { appDir } from '../../local/processes';
import { openSnapshot, updateSnapshot } from '../../src/lib/delta/openTable';
import type { Snapshot } from '../../src/lib/delta/state';
import { parseSettings } from '../../src/lib/settings';
import { integerBetween, seededRandom } from '../../src/lib/sources/seededRandom';
import { openAzureBlobStore } from '../../src/lib/storage/azureBlobStore';
import { BodyMaker } from './bodies';
import { compareWithHub } from './compare';
import { Producer } from './producer';
import { type HeldEvent, readHub } from './readHub';
import { ChaosSystem, type Victim, victims } from './system';
import { Totals } from './totals';
import { CommitBreaker, compareWarehouse } from './warehouse';

/** Milliseconds between two kills. */
const pauseMs = { least: 300, most: 6000 };
/** How long both hosts commit side by side before the first kill. */
const raceMs = 5000;
/** Nothing more is committed although there are events: something is stuck. Longer than the longest retry of the trigger. */
const stuckMs = 90_000;
/** Part of the storage requests that are spoilt, and where a number of them is asked for. */
const faultRates = { usual: 0.3, asked: 0.5 };

export interface ChaosOptions {
  readonly kills: number;
  /** The faults go on until so many were injected. */
  readonly faults: number;
  readonly seed: number;
  readonly eventsPerSecond: number;
  /** For everything; what is left in it tells what happened. */
  readonly folder: string;
  readonly log: (line: string) => void;
}

/** Breaks a running system and then looks at what came of the events. Returns what is wrong, nothing when all is well. */
export async function runChaos(options: ChaosOptions): Promise<string[]> {
  const { seed, faults, eventsPerSecond, folder, log } = options;
  // Each has its own numbers, so that one asking more often does not change the others.
  const bodies = new BodyMaker(seededRandom(seed));
  const system = await ChaosSystem.start(folder, seededRandom(seed + 1), seededRandom(seed + 4));
  const totals = new Totals(system);
  try {
    const namespace = parseSettings(system.settings).eventHubs;
    const producer = await Producer.start({ namespace, hub: 'clickstream', bodies, eventsPerSecond });
    const breaker = new CommitBreaker(system.warehouse, seededRandom(seed + 3));
    system.proxy.rate = faults > 0 ? faultRates.asked : faultRates.usual;
    try {
      await system.untilBothRead();
      await sleep(raceMs);
      await breakThings(system, options);
    } finally {
      system.proxy.rate = 0;
      await breaker.stop();
      await producer.stop();
    }
    const { injected, requests } = system.proxy;
    log(`${producer.acknowledged.size} events acknowledged, ${producer.failures} sends failed`);
    log(
      `${sum(Object.values(injected))} faults in ${requests} storage requests: ${JSON.stringify(injected)}`,
    );
    log(`${breaker.broken} connections of the loaders broke at a commit`);
    const problems = await drain(system, log);
    const { EventHubConnection = '', LakeStorage = '' } = system.settings;
    const held = await readHub(EventHubConnection, 'clickstream');
    problems.push(...(await totals.judge(held, bodies, log)));
    problems.push(...(await compareWarehouse(system.warehouse, LakeStorage, log)));
    problems.push(...(await system.stopHosts()));
    return [...problems, ...(await judge(system, producer, held, bodies, options))];
  } finally {
    await totals.stop();
    await system.stop();
  }
}

async function breakThings(system: ChaosSystem, { kills, faults, seed, log }: ChaosOptions): Promise<void> {
  const random = seededRandom(seed + 2);
  const counts = new Map<Victim, number>();
  for (let kill = 1; kill <= kills; kill++) {
    await sleep(integerBetween(random, pauseMs.least, pauseMs.most));
    const victim = victims[integerBetween(random, 0, victims.length)] ?? 'broker';
    counts.set(victim, (counts.get(victim) ?? 0) + 1);
    const started = performance.now();
    await system.kill(victim);
    log(`kill ${kill}/${kills}: ${victim}, back after ${Math.round(performance.now() - started)} ms`);
  }
  while (sum(Object.values(system.proxy.injected)) < faults) await sleep(500);
  log(`kills: ${JSON.stringify(Object.fromEntries(counts))}`);
}

/** Waits until the table has read all partitions to their ends. */
async function drain(system: ChaosSystem, log: (line: string) => void): Promise<string[]> {
  const { lake, lakeContainer } = parseSettings(system.settings);
  const at = { store: await openAzureBlobStore(lake, lakeContainer), table: 'clicks' };
  const started = Date.now();
  let snapshot: Snapshot | undefined;
  let moved = { version: -1, at: Date.now() };
  for (;;) {
    const lasts = await system.lastSequenceNumbers('clickstream');
    snapshot = snapshot ? await updateSnapshot(snapshot) : await openSnapshot(at);
    const txns = [...(snapshot?.txns.values() ?? [])];
    const committed = lasts.map(
      (_last, partition) => txns.find(({ appId }) => appId.endsWith(`/${partition}`))?.version ?? -1,
    );
    if (lasts.every((last, partition) => committed[partition] === last)) {
      log(`drained in ${((Date.now() - started) / 1000).toFixed(1)} s, table version ${snapshot?.version}`);
      return [];
    }
    const version = snapshot?.version ?? -1;
    if (version > moved.version) moved = { version, at: Date.now() };
    if (Date.now() - moved.at > stuckMs)
      return [`Stuck: the hub is at ${lasts.join(', ')} and the table at ${committed.join(', ')}.`];
    await sleep(500);
  }
}

async function judge(
  system: ChaosSystem,
  producer: Producer,
  held: readonly HeldEvent[],
  bodies: BodyMaker,
  { folder, log }: ChaosOptions,
): Promise<string[]> {
  const problems: string[] = [];
  const { LakeStorage = '' } = system.settings;
  const ids = new Set(held.map(({ id }) => id));
  const lost = [...producer.acknowledged].filter((id) => !ids.has(id));
  if (lost.length > 0) problems.push(`The broker acknowledged ${lost.length} events that it does not have.`);
  log(`${system.trimmedEvents()} redelivered events were left out`);
  log(
    `the hub holds ${held.length} events, ${held.length - producer.acknowledged.size} of them unacknowledged or twice`,
  );

  const verified = await runVerify(system.settings);
  log(verified.output.trimEnd());
  if (verified.code !== 0) problems.push(`verify ended with exit code ${verified.code}.`);

  const compared = await compareWithHub({ storageConnection: LakeStorage, held, bodies, folder });
  const { expectedRows, rows, expectedLetters, letters } = compared;
  log(
    `DuckDB: ${rows} rows where ${expectedRows} were sent, ${letters} letters where ${expectedLetters} were`,
  );
  return [...problems, ...compared.problems];
}

/** The command itself, as its users run it. */
function runVerify(settings: Readonly<Record<string, string>>): Promise<{ code: number; output: string }> {
  const child = spawn(process.execPath, [join(appDir, 'dist/src/cli/verify.js'), 'clickstream'], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const read = (chunk: Buffer) => {
    output += chunk;
  };
  child.stdout.on('data', read);
  child.stderr.on('data', read);
  return new Promise((resolve) => child.once('close', (code) => resolve({ code: code ?? 1, output })));
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
