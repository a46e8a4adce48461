import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { appDir } from '../../local/processes';
import { parseSettings } from '../../src/lib/settings';
import { integerBetween, seededRandom } from '../../src/lib/sources/seededRandom';
import { BodyMaker } from './bodies';
import { compareWithHub } from './compare';
import { drain } from './drain';
import { findUnexercised } from './exercise';
import { freezeBusyHost, freezeIdleHost } from './freeze';
import { readHostLogs } from './hostLogs';
import { Producer } from './producer';
import { type HeldEvent, readHub } from './readHub';
import { ChaosSystem, hostNames, type ReadPartitions, type Victim, victims } from './system';
import { Totals } from './totals';
import { CommitBreaker, compareWarehouse } from './warehouse';

/** Milliseconds between two kills. */
const pauseMs = { least: 300, most: 4500 };
/** A host is frozen as well for each so many kills. */
const killsPerFreeze = 7;
/** How long it may take until both hosts read, and how long they then commit side by side before the first kill. */
const shareLimitMs = 60_000;
const raceMs = 5000;
/** How much longer things break for the sake of a rare storage fault that has not been there yet. */
const rareLimitMs = 30_000;
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
    let movingFreezes: number;
    try {
      if (!(await system.untilReading(bothRead, shareLimitMs)))
        throw new Error(`A host reads no partition after ${shareLimitMs / 1000} s; see ${system.logDir}.`);
      await sleep(raceMs);
      movingFreezes = await breakThings(system, producer, options);
    } finally {
      system.proxy.rate = 0;
      await breaker.stop();
      await producer.stop();
    }
    const { injected, requests } = system.proxy;
    const loads = breaker.broken + readHostLogs(system.logDir).loads;
    const met = {
      kills: options.kills,
      movingFreezes,
      injected: { ...injected },
      loads,
      totals: totals.seen(),
    };
    log(`${producer.acknowledged.size} events acknowledged, ${producer.failures} sends failed`);
    log(
      `${sum(Object.values(injected))} faults in ${requests} storage requests: ${JSON.stringify(injected)}`,
    );
    log(`${breaker.broken} connections of the loaders broke at a commit`);
    const problems = await drain(system, log);
    // What is still under way to the storage could change what is judged.
    await system.proxy.landed();
    const { EventHubConnection = '', LakeStorage = '' } = system.settings;
    const held = await readHub(EventHubConnection, 'clickstream');
    problems.push(...(await totals.judge(held, bodies, log)));
    problems.push(...(await compareWarehouse(system.warehouse, LakeStorage, log)));
    problems.push(...(await system.stopHosts()));
    problems.push(...system.problems);
    const hostLogs = readHostLogs(system.logDir);
    const { trimmedEvents, failedBatches } = hostLogs;
    log(`${trimmedEvents} redelivered events were left out, ${failedBatches} batches failed`);
    problems.push(...hostLogs.problems, ...findUnexercised({ ...met, trimmedEvents }));
    return [...problems, ...(await judge(system, producer, held, bodies, options))];
  } finally {
    await totals.stop();
    await system.stop();
  }
}

/** Until then one host's commits meet no rival. */
const bothRead = (read: ReadPartitions) => hostNames.every((name) => read[name].length > 0);

/** Kills and freezes in an order of the seed. Returns in how many freezes partitions changed hands. */
async function breakThings(system: ChaosSystem, producer: Producer, options: ChaosOptions): Promise<number> {
  const { kills, faults, seed, log } = options;
  const random = seededRandom(seed + 2);
  const freezeRandom = seededRandom(seed + 5);
  const counts = new Map<Victim, number>();
  const freezes = Math.ceil(kills / killsPerFreeze);
  let movingFreezes = 0;
  for (let kill = 0, freeze = 0; kill < kills || freeze < freezes; ) {
    const freezesLeft = freezes - freeze;
    if (freezeRandom() * (kills - kill + freezesLeft) < freezesLeft) {
      const how = freeze === 0 ? freezeIdleHost : freezeBusyHost;
      const { host, frozenMs, moved, line } = await how({ system, producer, random: freezeRandom });
      if (moved) movingFreezes++;
      log(`freeze ${++freeze}/${freezes}: ${host} for ${Math.round(frozenMs)} ms, ${line}`);
      continue;
    }
    await sleep(integerBetween(random, pauseMs.least, pauseMs.most));
    const victim = victims[integerBetween(random, 0, victims.length)] ?? 'broker';
    counts.set(victim, (counts.get(victim) ?? 0) + 1);
    const started = performance.now();
    await system.kill(victim);
    log(`kill ${++kill}/${kills}: ${victim}, back after ${Math.round(performance.now() - started)} ms`);
  }
  const giveUpAt = Date.now() + rareLimitMs;
  const injected = () => Object.values(system.proxy.injected);
  while (sum(injected()) < faults || (injected().includes(0) && Date.now() < giveUpAt)) await sleep(500);
  log(`kills: ${JSON.stringify(Object.fromEntries(counts))}, and ${freezes} freezes`);
  return movingFreezes;
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
