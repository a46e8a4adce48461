import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerClient } from '@azure/storage-blob';
import { integerBetween, type Random } from '../../src/lib/sources/seededRandom';
import { drain, untilCommitted } from './drain';
import { openLake } from './lakeFiles';
import { allIsWell, type Operator, streamsAreWell } from './operator';
import { goBack, hasVersion, type LakePicture, takePicture, type Undone } from './picture';
import type { Producer } from './producer';
import { bothRead, type ChaosSystem } from './system';
import { type CommitBreaker, compareWarehouse, untilLoaded } from './warehouse';

/** How far the lake goes back in time, in milliseconds. */
const backMs = { least: 5000, most: 15_000 };
/** How long it may take until both hosts have a commit under way. */
const heldLimitMs = 5000;
/** How long to wait until all requests that have passed the proxy have reached the storage. */
const landMs = 500;
const readLimitMs = 30_000;
/** Longer than it takes until health shows new problems, including those of the warehouse. */
const wellForMs = 15_000;
const pausedPool = { number: 42108, message: 'Cannot connect: the pool is paused.' };

export interface RollbackOptions {
  readonly system: ChaosSystem;
  readonly producer: Producer;
  readonly operator: Operator;
  /** Breaks the connections of the loaders meanwhile. */
  readonly connections: CommitBreaker;
  readonly random: Random;
}

export interface RollbackOutcome {
  readonly line: string;
  /** Problems that remained although the operator ran all commands of health. */
  readonly problems: readonly string[];
}

/**
 * Rolls the lake back in time while commits are under way, so that they land above the hole. The SQL pool is paused until the log
 * has grown beyond the loaded versions, so that version numbers alone do not show the rollback.
 */
export async function rollBackUnderCommits(options: RollbackOptions): Promise<RollbackOutcome> {
  const { system, operator } = options;
  return rollBack(options, async (lake, picture) => {
    system.warehouse.refuseLogins = pausedPool;
    system.warehouse.dropAll();
    const held = await system.holdWrites(/\/clicks\/_delta_log\/\d{20}\.json/, heldLimitMs);
    let undone: Undone;
    try {
      await sleep(landMs);
      undone = await goBack(lake, picture);
    } finally {
      held.release();
    }
    const problems = await operator.mend(
      async (healths) =>
        streamsAreWell(healths) &&
        (await hasVersion(lake, undone.to + 1)) &&
        hasVersion(lake, undone.from + held.count + 1),
    );
    system.warehouse.refuseLogins = undefined;
    return { undone, problems, line: `${held.count} commits landed above it` };
  });
}

/**
 * Rolls the lake back in time while the hosts are idle, so that their checkpoints and the states they remember stay ahead. If a
 * host later committed without checking the log, there would be a hole.
 */
export async function rollBackIdle(options: RollbackOptions): Promise<RollbackOutcome> {
  const { system, producer, operator } = options;
  const repairs = operator.timesOf('table repair');
  const { line, problems } = await rollBack(options, async (lake, picture) => {
    producer.paused = true;
    const problems = await drain(system, () => {});
    const undone = await goBack(lake, picture);
    producer.paused = false;
    return { undone, problems, line: 'nothing was under way' };
  });
  const isRepaired = operator.timesOf('table repair') > repairs;
  const hole = 'A log had to be repaired although nothing was under way when the lake went back in time.';
  return { line, problems: isRepaired ? [...problems, hole] : problems };
}

type GoingBack = (
  lake: ContainerClient,
  picture: LakePicture,
) => Promise<{ undone: Undone; problems: readonly string[]; line: string }>;

/** Rolls back, with no other fault after the picture. Ends when health is well, and table and warehouse have all events. */
async function rollBack(options: RollbackOptions, back: GoingBack): Promise<RollbackOutcome> {
  const { system, producer, connections, random } = options;
  const { rate } = system.proxy;
  try {
    system.proxy.rate = 0;
    connections.paused = true;
    const lake = openLake(system.settings.LakeStorage ?? '');
    const started = await moveOn(options, lake);
    if ('problem' in started) return { line: 'not begun', problems: [started.problem] };
    await sleep(integerBetween(random, backMs.least, backMs.most));
    await untilLoaded(system.warehouse, started.picture.version + 1);
    const beganAt = performance.now();
    const { undone, line, problems } = await back(lake, started.picture);
    const wrong = problems.length > 0 ? problems : await mendAll(options);
    const seconds = ((performance.now() - beganAt) / 1000).toFixed(1);
    const how = `clicks from version ${undone.from} to ${undone.to}, ${line}`;
    return {
      line: `${how}, ${wrong.length === 0 ? 'mended' : 'not mended'} after ${seconds} s`,
      problems: wrong,
    };
  } finally {
    producer.paused = false;
    connections.paused = false;
    system.proxy.rate = rate;
  }
}

/**
 * Takes a picture, and waits until each host has committed later events. Otherwise a commit that began before the picture could
 * arrive after the rollback as the next version: it would follow on the log although its letters and its file are gone.
 */
async function moveOn({ system }: RollbackOptions, lake: ContainerClient) {
  await system.untilReading(bothRead, readLimitMs);
  await system.proxy.landed();
  // Wait until there are commits to go back to.
  const begun = await untilCommitted(system, async () => [0]);
  if ('problem' in begun) return begun;
  const picture = await takePicture(lake);
  const later = (await system.lastSequenceNumbers('clickstream')).map((last) => last + 1);
  const committed = await untilCommitted(system, async () => later);
  return 'problem' in committed ? committed : { picture };
}

/** Runs the operator. Health could be wrong, so the table must also be drained and the warehouse must equal it. */
async function mendAll({ system, producer, operator }: RollbackOptions): Promise<string[]> {
  const problems = await operator.mend(async (healths) => allIsWell(healths), wellForMs);
  if (problems.length > 0) return problems;
  producer.paused = true;
  const { LakeStorage = '' } = system.settings;
  const left = await drain(system, () => {});
  if (left.length === 0) left.push(...(await compareWarehouse(system.warehouse, LakeStorage, () => {})));
  producer.paused = false;
  return left.map((problem) => `Health says that all is well, but: ${problem}`);
}
