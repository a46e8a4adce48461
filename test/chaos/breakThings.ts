import { setTimeout as sleep } from 'node:timers/promises';
import { integerBetween, type Random, seededRandom } from '../../src/lib/sources/seededRandom';
import { freezeBusyHost, freezeIdleHost } from './freeze';
import { endOfHostLogs, type LogStretch } from './hostLogs';
import { jumpClock } from './jump';
import { Operator } from './operator';
import type { Producer } from './producer';
import { type Rebuilds, rebuildUnderLoad } from './rebuilds';
import { rollBackIdle, rollBackUnderCommits } from './rollback';
import type { RowsWatcher } from './rowsWatcher';
import { type ChaosSystem, type Victim, victims } from './system';
import type { Totals } from './totals';
import type { CommitBreaker } from './warehouse';

/** Milliseconds between two kills. */
const pauseMs = { least: 300, most: 4500 };
/** For every this many kills, there is also a freeze of a host, a rebuild of the table, a rollback of the lake, and a jump of a clock. */
const killsPerFreeze = 7;
const killsPerRebuild = 7;
const killsPerRollback = 10;
const killsPerJump = 10;
/** How much longer the faults go on if a rare storage fault has not happened yet. */
const rareLimitMs = 30_000;

export interface BreakOptions {
  readonly system: ChaosSystem;
  readonly producer: Producer;
  readonly totals: Totals;
  readonly rows: RowsWatcher;
  readonly connections: CommitBreaker;
  readonly kills: number;
  /** The storage faults go on until this many were injected. */
  readonly faults: number;
  readonly seed: number;
  readonly log: (line: string) => void;
}

/** The result of breaking things. */
export interface Broken {
  /** Freezes in which partitions changed hands. */
  readonly movingFreezes: number;
  readonly rebuilds: Rebuilds;
  /** The parts of the hosts' logs from each rollback of the lake until its repair. */
  readonly rollbacks: readonly LogStretch[];
  /** How often each command repaired something. */
  readonly remedies: Readonly<Record<string, number>>;
  /** Problems that remained after all commands of GET /api/health were run, or after a jump of a clock. Then nothing more is broken. */
  readonly problems: readonly string[];
}

/** Kills, freezes and rolls the lake back in time, in an order that the seed decides. */
export async function breakThings(options: BreakOptions): Promise<Broken> {
  const { system, kills, faults, log } = options;
  const breaker = new Breaker(options);
  const { freezes, rebuildsAt, rollbacksAt, jumpsAt } = breaker;
  const isDue = (times: readonly number[], done: number, kill: number) =>
    kill >= (times[done] ?? Number.POSITIVE_INFINITY);
  for (let kill = 0, freeze = 0, rebuild = 0, rollback = 0, jump = 0; kill < kills || freeze < freezes; ) {
    if (isDue(rollbacksAt, rollback, kill)) {
      await breaker.rollBack(++rollback);
      if (breaker.problems.length > 0) return breaker;
    } else if (isDue(jumpsAt, jump, kill)) {
      await breaker.jump(++jump);
      if (breaker.problems.length > 0) return breaker;
    } else if (isDue(rebuildsAt, rebuild, kill)) {
      await breaker.rebuild(++rebuild);
      if (breaker.problems.length > 0) return breaker;
    } else if (breaker.isFreezeNext(kills - kill, freezes - freeze)) await breaker.freeze(++freeze);
    else await breaker.kill(++kill);
  }
  const giveUpAt = Date.now() + rareLimitMs;
  const injected = () => Object.values(system.proxy.injected);
  while (sum(injected()) < faults || (injected().includes(0) && Date.now() < giveUpAt)) await sleep(500);
  const counts = JSON.stringify(Object.fromEntries(breaker.killed));
  log(
    `kills: ${counts}, ${freezes} freezes, ${rebuildsAt.length} rebuilds, ${rollbacksAt.length} rollbacks and ${jumpsAt.length} jumps`,
  );
  if (system.groupsKilled) log(`kills of each scale group: ${system.groupsKilled}`);
  return breaker;
}

/** Draws when something happens that happens once per `killsPerTime` kills. The result has, ascending, how many kills come before each time. */
function drawTimes(kills: number, killsPerTime: number, random: Random): number[] {
  const times = Math.ceil(kills / killsPerTime);
  return Array.from({ length: times }, (_, nth) => Math.floor(((nth + random()) * kills) / times));
}

class Breaker implements Broken {
  readonly freezes: number;
  /** After how many kills each rebuild comes, ascending. */
  readonly rebuildsAt: readonly number[];
  readonly rebuilds: Rebuilds = { finished: 0, killed: 0 };
  /** After how many kills each rollback comes, ascending. */
  readonly rollbacksAt: readonly number[];
  /** After how many kills each jump of a clock comes, ascending. */
  readonly jumpsAt: readonly number[];
  readonly killed = new Map<Victim, number>();
  movingFreezes = 0;
  readonly rollbacks: LogStretch[] = [];
  readonly problems: string[] = [];
  readonly #options: BreakOptions;
  readonly #operator: Operator;
  // Each has its own random numbers, so that drawing more of one does not change the others.
  readonly #killRandom;
  readonly #freezeRandom;
  readonly #rollbackRandom;
  readonly #jumpRandom;
  readonly #rebuildRandom;

  constructor(options: BreakOptions) {
    const { seed, kills, system, log } = options;
    this.#options = options;
    this.#operator = new Operator(system, log);
    this.#killRandom = seededRandom(seed + 2);
    this.#freezeRandom = seededRandom(seed + 5);
    this.#rollbackRandom = seededRandom(seed + 6);
    this.#jumpRandom = seededRandom(seed + 7);
    this.#rebuildRandom = seededRandom(seed + 8);
    this.freezes = Math.ceil(kills / killsPerFreeze);
    this.rebuildsAt = drawTimes(kills, killsPerRebuild, this.#rebuildRandom);
    this.rollbacksAt = drawTimes(kills, killsPerRollback, this.#rollbackRandom);
    this.jumpsAt = drawTimes(kills, killsPerJump, this.#jumpRandom);
  }

  get remedies(): Readonly<Record<string, number>> {
    return this.#operator.remedies;
  }

  /** Draws whether a freeze comes before the next kill. */
  isFreezeNext(killsLeft: number, freezesLeft: number): boolean {
    return this.#freezeRandom() * (killsLeft + freezesLeft) < freezesLeft;
  }

  async kill(nth: number): Promise<void> {
    const { system, kills, log } = this.#options;
    const random = this.#killRandom;
    await sleep(integerBetween(random, pauseMs.least, pauseMs.most));
    const victim = victims[integerBetween(random, 0, victims.length)] ?? 'broker';
    this.killed.set(victim, (this.killed.get(victim) ?? 0) + 1);
    const started = performance.now();
    const what = await system.kill(victim);
    log(`kill ${nth}/${kills}: ${what}, back after ${Math.round(performance.now() - started)} ms`);
  }

  async freeze(nth: number): Promise<void> {
    const { system, producer, log } = this.#options;
    const how = nth === 1 ? freezeIdleHost : freezeBusyHost;
    const { host, frozenMs, moved, line } = await how({ system, producer, random: this.#freezeRandom });
    if (moved) this.movingFreezes++;
    log(`freeze ${nth}/${this.freezes}: ${host} for ${Math.round(frozenMs)} ms, ${line}`);
  }

  async jump(nth: number): Promise<void> {
    const { system, log } = this.#options;
    const { line, problems } = await jumpClock(system, this.#jumpRandom);
    this.problems.push(...problems);
    log(`jump ${nth}/${this.jumpsAt.length}: ${line}`);
  }

  async rebuild(nth: number): Promise<void> {
    const { system, connections, log } = this.#options;
    const random = this.#rebuildRandom;
    const { line, problems, killed } = await rebuildUnderLoad({ system, connections, random });
    this.rebuilds.killed += killed;
    if (problems.length === 0) this.rebuilds.finished++;
    this.problems.push(...problems);
    log(`rebuild ${nth}/${this.rebuildsAt.length}: ${line}`);
  }

  async rollBack(nth: number): Promise<void> {
    const { system, producer, connections, totals, rows, log } = this.#options;
    const how = nth % 2 === 1 ? rollBackUnderCommits : rollBackIdle;
    const from = endOfHostLogs(system.logDir);
    totals.mayFall = true;
    rows.mayFall = true;
    const [operator, random] = [this.#operator, this.#rollbackRandom];
    const { line, problems } = await how({ system, producer, operator, connections, random });
    totals.mayFall = false;
    rows.mayFall = false;
    this.rollbacks.push({ from, to: endOfHostLogs(system.logDir) });
    this.problems.push(...problems);
    log(`rollback ${nth}/${this.rollbacksAt.length}: ${line}`);
  }
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
