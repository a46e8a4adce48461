import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { integerBetween, type Random } from '../../src/lib/sources/seededRandom';
import { drain } from './drain';
import type { Producer } from './producer';
import { type ChaosSystem, type HostName, hostNames, type ReadPartitions } from './system';

/** Milliseconds before a freeze, because a host that has just started has no work under way. */
const pauseMs = { least: 1000, most: 3000 };
/** How long it may take until both hosts write. A batch comes after a second at most, a failed one some seconds later. */
const heldLimitMs = 5000;
/** How long the other host commits instead of the frozen one, in milliseconds. */
const overtakenMs = { least: 1500, most: 3500 };
/** How long a partition's ownership lasts in the local host if it is not renewed. */
const ownershipMs = 6000;
/** How long it may take until the other host notices that and takes the partitions. */
const takenLimitMs = 20_000;
const sharedLimitMs = 30_000;
/** How long both hosts commit without faults before a freeze, and after partitions came back. */
const quietMs = 2000;

export interface FreezeOptions {
  readonly system: ChaosSystem;
  readonly producer: Producer;
  readonly random: Random;
}

export interface FreezeOutcome {
  readonly host: HostName;
  readonly frozenMs: number;
  /** Whether partitions changed hands as they should have. */
  readonly moved: boolean;
  readonly line: string;
}

/**
 * Freezes a host between its data file and its commit, until the other host has its partitions. Its late commit then meets the
 * commits of the new owner. Storage faults begin again when the host goes on.
 */
export async function freezeBusyHost({ system, random }: FreezeOptions): Promise<FreezeOutcome> {
  await sleep(integerBetween(random, pauseMs.least, pauseMs.most));
  const { rate } = system.proxy;
  // A host uploads one data file at a time at most.
  const held = await system.holdWrites(/\/clicks\/part-/, heldLimitMs);
  try {
    const { taken, ...frozen } = await freeze({
      system,
      random,
      onFrozen: () => {
        held.release();
        // Stop the faults: they would only delay the takeover of the partitions.
        system.proxy.rate = 0;
      },
    });
    return { ...frozen, moved: taken, line: taken ? 'its partitions were taken' : 'none was taken' };
  } finally {
    held.release();
    system.proxy.rate = rate;
  }
}

/**
 * Freezes an idle host, and sends events to its partitions when the other host has them. So the host does not know these commits
 * when the partitions come back. There are no other faults meanwhile.
 */
export async function freezeIdleHost({ system, producer, random }: FreezeOptions): Promise<FreezeOutcome> {
  const { rate } = system.proxy;
  try {
    system.proxy.rate = 0;
    await system.untilReading(areShared, sharedLimitMs);
    await sleep(quietMs);
    producer.paused = true;
    await drain(system, () => {});
    const { taken, ...frozen } = await freeze({
      system,
      random,
      onTaken: () => {
        producer.paused = false;
      },
    });
    const cameBack = await system.untilReading(areShared, sharedLimitMs);
    await sleep(quietMs);
    const moved = taken && cameBack;
    return {
      ...frozen,
      moved,
      line: moved ? 'its partitions were taken, and some came back' : 'none came back',
    };
  } finally {
    producer.paused = false;
    system.proxy.rate = rate;
  }
}

/** Freezes a host until the other one reads its partitions and has committed for a while. */
async function freeze(options: {
  readonly system: ChaosSystem;
  readonly random: Random;
  readonly onFrozen?: () => void;
  readonly onTaken?: () => void;
}): Promise<{ host: HostName; frozenMs: number; taken: boolean }> {
  const { system, random, onFrozen, onTaken } = options;
  const host = hostNames[integerBetween(random, 0, hostNames.length)] ?? 'one';
  const overtaken = integerBetween(random, overtakenMs.least, overtakenMs.most);
  await system.untilReading((read) => read[host].length > 0, sharedLimitMs);
  const owned = (await system.readPartitions())[host];
  const isTaken = (read: ReadPartitions) =>
    owned.length > 0 &&
    hostNames.every(
      (name) => name === host || owned.every((partitionId) => read[name].includes(partitionId)),
    );
  const started = performance.now();
  const thaw = freezeProcess(system.pidOf(host));
  try {
    onFrozen?.();
    const [taken] = await Promise.all([system.untilReading(isTaken, takenLimitMs), sleep(ownershipMs)]);
    onTaken?.();
    await sleep(overtaken);
    return { host, frozenMs: performance.now() - started, taken };
  } finally {
    await thaw();
  }
}

/** Whether each host reads partitions that the other does not read. A host that was frozen may not know yet which it lost. */
const areShared = (read: ReadPartitions): boolean => {
  const all = hostNames.flatMap((name) => read[name]);
  return hostNames.every((name) => read[name].length > 0) && new Set(all).size === all.length;
};

/** Freezes a process. It goes on when the returned function is called, or if this process dies before. */
function freezeProcess(pid: number): () => Promise<void> {
  const thawer = spawn('sh', ['-c', `read _; kill -CONT ${pid}`], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  const ended = once(thawer, 'exit');
  process.kill(pid, 'SIGSTOP');
  return async () => {
    thawer.stdin.end();
    await ended;
  };
}
