import { setTimeout as sleep } from 'node:timers/promises';
import { parseSettings } from '../../src/lib/settings';
import { seededRandom } from '../../src/lib/sources/seededRandom';
import { clickstream } from '../../src/lib/streams/clickstream';
import { Assets } from './assets';
import { BodyMaker } from './bodies';
import { type Broken, breakThings } from './breakThings';
import { runCommandLine } from './commandLine';
import { compareWithHub } from './compare';
import { drain } from './drain';
import { findUnexercised } from './exercise';
import { readHostLogs } from './hostLogs';
import { Producer } from './producer';
import { type HeldEvent, readHub } from './readHub';
import { RowsWatcher } from './rowsWatcher';
import { bothRead, ChaosSystem } from './system';
import { Totals } from './totals';
import { CommitBreaker, compareWarehouse, table } from './warehouse';

/** How long it may take until both hosts read partitions. */
const shareLimitMs = 60_000;
/** How long both hosts commit before the first kill. */
const raceMs = 5000;
/** The share of storage requests that fail: usually, and if a number of faults is asked for. */
const faultRates = { usual: 0.3, asked: 0.5 };

export interface ChaosOptions {
  readonly kills: number;
  /** The storage faults go on until this many were injected. */
  readonly faults: number;
  readonly seed: number;
  readonly eventsPerSecond: number;
  /** The folder for all data. It is kept, so that one can see what happened. */
  readonly folder: string;
  readonly log: (line: string) => void;
  /** Whether each host is a process for each scale group, as on Flex Consumption. */
  readonly groups: boolean;
}

/** A system under test, and what watches it. */
interface Run {
  readonly options: ChaosOptions;
  readonly bodies: BodyMaker;
  readonly system: ChaosSystem;
  readonly totals: Totals;
  readonly rows: RowsWatcher;
  /** Undefined in a project without the stream that has newest rows. */
  readonly assets: Assets | undefined;
}

/** Breaks a running system and then checks all events. Returns the problems; none if all is well. */
export async function runChaos(options: ChaosOptions): Promise<string[]> {
  const { seed, folder, log, groups } = options;
  const system = await ChaosSystem.start(
    folder,
    seededRandom(seed + 1),
    seededRandom(seed + 4),
    groups ? seededRandom(seed + 9) : undefined,
  );
  const { dialect } = system.warehouse.engine.options;
  log(`the database is ${dialect === 'pool' ? 'a dedicated pool' : 'SQL Server'}`);
  const totals = new Totals(system);
  const rows = new RowsWatcher(system.warehouse, table);
  let assets: Assets | undefined;
  try {
    const bodies = new BodyMaker(seededRandom(seed));
    const producer = await startProducer(options, system, bodies);
    assets = await Assets.start({ system, seed: seed + 10, folder });
    const run = { options, bodies, system, totals, rows, assets };
    const { broken, loadsBroken } = await disturb(run, producer);
    // Stop here: all later checks would find the same problems again.
    if (broken.problems.length > 0) return [...broken.problems];
    return await checkAll(run, producer, broken, loadsBroken);
  } finally {
    await assets?.stop();
    await totals.stop();
    await rows.stop();
    await system.stop();
  }
}

function startProducer({ eventsPerSecond }: ChaosOptions, system: ChaosSystem, bodies: BodyMaker) {
  const { namespace, hub } = parseSettings(system.settings).hub(clickstream, 'send');
  return Producer.start({ namespace, hub, bodies, eventsPerSecond });
}

/** Kills, freezes and disturbs while events are sent. Returns what was broken, and how many loads broke at a commit. */
async function disturb(
  { options, system, totals, rows, assets }: Run,
  producer: Producer,
): Promise<{ broken: Broken; loadsBroken: number }> {
  const connections = new CommitBreaker(system.warehouse, seededRandom(options.seed + 3));
  system.proxy.rate = options.faults > 0 ? faultRates.asked : faultRates.usual;
  let broken: Broken;
  try {
    if (!(await system.untilReading(bothRead, shareLimitMs)))
      throw new Error(`A host reads no partition after ${shareLimitMs / 1000} s; see ${system.logDir}.`);
    await sleep(raceMs);
    broken = await breakThings({ ...options, system, producer, totals, rows, connections });
  } finally {
    system.proxy.rate = 0;
    await connections.stop();
    await producer.stop();
    await assets?.stopSending();
  }
  return { broken, loadsBroken: connections.broken };
}

/** Checks everything after the disturbances have ended. Returns the problems. */
async function checkAll(
  run: Run,
  producer: Producer,
  broken: Broken,
  loadsBroken: number,
): Promise<string[]> {
  const { options, bodies, system, totals, rows, assets } = run;
  const { log } = options;
  const met = whatWasMet(run, producer, broken, loadsBroken);
  const problems: string[] = await drain(system, log);
  // Wait for late writes, which could change the tables during the checks.
  await system.proxy.landed();
  const { EventHubConnection = '', LakeStorage = '' } = system.settings;
  const held = await readHub(EventHubConnection, 'clickstream');
  problems.push(...(await totals.judge(held, bodies, log)));
  problems.push(...(await compareWarehouse(system.warehouse, LakeStorage, log)));
  problems.push(...(await rows.stop()));
  problems.push(...((await assets?.judge(log)) ?? []));
  log(`the table was looked at ${rows.seen} times`);
  problems.push(...(await system.stopHosts()));
  problems.push(...system.problems);
  const hostLogs = readHostLogs(system.logDir, broken.rollbacks);
  const { trimmedEvents, failedBatches } = hostLogs;
  log(`${trimmedEvents} redelivered events were left out, ${failedBatches} batches failed`);
  problems.push(...hostLogs.problems, ...findUnexercised({ ...met, trimmedEvents }));
  return [...problems, ...(await judge(system, producer, held, bodies, options))];
}

/** The disturbances that the system has met until now. They are logged, too. */
function whatWasMet(
  { options, system, totals }: Run,
  producer: Producer,
  broken: Broken,
  loadsBroken: number,
) {
  const { log } = options;
  const { injected, requests } = system.proxy;
  const { movingFreezes, remedies, rebuilds } = broken;
  log(`commands that mended something: ${JSON.stringify(remedies)}`);
  log(
    `${producer.acknowledged.size} events acknowledged, ${producer.forged} of them with forged annotations; ${producer.failures} sends failed`,
  );
  log(`${sum(Object.values(injected))} faults in ${requests} storage requests: ${JSON.stringify(injected)}`);
  log(`${loadsBroken} connections of the loaders broke at a commit`);
  return {
    kills: options.kills,
    movingFreezes,
    forged: producer.forged,
    remedies: { ...remedies },
    injected: { ...injected },
    loads: loadsBroken + readHostLogs(system.logDir).loads,
    rebuilds,
    totals: totals.seen(),
  };
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

  const verified = await runCommandLine('npm run verify -- clickstream', system.settings);
  log(verified.output.trimEnd());
  if (verified.code !== 0) problems.push(`verify ended with exit code ${verified.code}.`);

  const checked = await runCommandLine('npm run warehouse -- check clicks', system.settings);
  log(checked.output.trimEnd());
  if (checked.code !== 0) problems.push(`warehouse -- check ended with exit code ${checked.code}.`);

  const compared = await compareWithHub({ storageConnection: LakeStorage, held, bodies, folder });
  const { expectedRows, rows, expectedLetters, letters } = compared;
  log(
    `DuckDB: ${rows} rows where ${expectedRows} were sent, ${letters} letters where ${expectedLetters} were`,
  );
  return [...problems, ...compared.problems];
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
