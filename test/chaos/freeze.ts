import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { integerBetween, type Random } from '../../src/lib/sources/seededRandom';
import { drain } from './drain';
import type { Producer } from './producer';
import { type ChaosSystem, type HostName, hostNames, type ReadPartitions } from './system';

/** Milliseconds before a freeze: a host that has just started has nothing under way. */
const pauseMs = { least: 1000, most: 3000 };
/** How long it may take until both hosts write: a batch comes after a second at most, a failed one again after some. */
const heldLimitMs = 5000;
/** How long the other host commits in a frozen one's place: milliseconds. */
const overtakenMs = { least: 1500, most: 3500 };
/** How long a host's ownership of a partition lasts that it does not renew, as the local host has it. */
const ownershipMs = 6000;
/** How long it may take until the other host has found that. */
const takenLimitMs = 20_000;
const sharedLimitMs = 30_000;
/** How long both hosts commit in peace before, and after partitions came back. */
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
 * Freezes a host between its data file and its commit, until its partitions are the other one's: its late commit meets what
 * the new owner has committed. Storage is spoilt again from the moment on at which it goes on.
 */
export async function freezeBusyHost({ system, random }: FreezeOptions): Promise<FreezeOutcome> {
  await sleep(integerBetween(random, pauseMs.least, pauseMs.most));
  const { rate } = system.proxy;
  // A host has one data file under way at most.
  const held = await system.holdWrites(/\/clicks\/part-/, heldLimitMs);
  try {
    const { taken, ...frozen } = await freeze({
      system,
      random,
      onFrozen: () => {
        held.release();
        // Faults would only make it longer until the partitions are taken.
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
 * Freezes a host that has nothing to do and gives its partitions work when they are the other one's, so that it knows nothing
 * of that when they come back; all without any other fault.
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
    hostNames.every((name) => name === host || owned.every((partition) => read[name].includes(partition)));
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

/** Each host reads partitions that the other one does not read. A host that was frozen may not know yet what it lost. */
const areShared = (read: ReadPartitions): boolean => {
  const all = hostNames.flatMap((name) => read[name]);
  return hostNames.every((name) => read[name].length > 0) && new Set(all).size === all.length;
};

/** Stops a process. It goes on when the returned function is called, and also when this process dies before. */
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
