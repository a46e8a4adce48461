import { clicksOfTheApi } from '../../local/figures';
import { TotalsWatcher } from '../functions/totalsWatcher';
import type { BodyMaker } from './bodies';
import type { HeldEvent } from './readHub';
import { settle } from './settle';
import { type ChaosSystem, hostNames } from './system';

/** An instance counts anew at most every 250 ms, and answers at once. */
const stuckMs = 15_000;

/** A total that an API told, and the last sequence number of each partition right after. */
interface SeenTotal {
  readonly name: string;
  readonly total: number;
  readonly lasts: readonly number[];
}

/** Watches the total that each host's API tells, through all kills. */
export class Totals {
  readonly #system: ChaosSystem;
  readonly #seen: SeenTotal[] = [];
  readonly #watchers: readonly { readonly name: string; readonly watcher: TotalsWatcher }[];

  constructor(system: ChaosSystem) {
    this.#system = system;
    this.#watchers = hostNames.map((name) => {
      const accepted = async (total: number) => {
        this.#seen.push({ name, total, lasts: await system.lastSequenceNumbers('clickstream') });
        // How many rows these events are is known when the hub is read, at the end.
        return Number.POSITIVE_INFINITY;
      };
      return { name, watcher: new TotalsWatcher({ apiUrl: () => system.hostUrl(name), accepted }) };
    });
  }

  /** How many totals each API told so far, by host. */
  seen(): Record<string, number> {
    return Object.fromEntries(this.#watchers.map(({ name, watcher }) => [name, watcher.seen]));
  }

  /** While the lake is an earlier one totals fall, and rightly so. */
  set mayFall(mayFall: boolean) {
    for (const { watcher } of this.#watchers) watcher.mayFall = mayFall;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#watchers.map(({ watcher }) => watcher.stop()));
  }

  /**
   * Waits until each API tells the rows that the hub holds, ends watching, and returns what is wrong: a total that fell while it must not, one
   * above what the hub held when it was told, one that does not end equal.
   */
  async judge(held: readonly HeldEvent[], bodies: BodyMaker, log: (line: string) => void): Promise<string[]> {
    const rowsUpTo = countRows(held, bodies);
    const wanted = rowsUpTo(await this.#system.lastSequenceNumbers('clickstream'));
    const problems: string[] = [];
    for (const name of hostNames) {
      const read = () => clicksOfTheApi(this.#system.hostUrl(name) ?? '');
      const total = await settle({ read, wanted, stuckMs });
      if (total !== wanted)
        problems.push(`Host ${name}: the API ends with ${total} where ${wanted} were accepted.`);
      log(`API of host ${name}: ${total} clicks where ${wanted} were accepted`);
    }
    await this.stop();
    for (const { name, watcher } of this.#watchers) {
      log(`API of host ${name}: ${watcher.seen} totals were seen`);
      if (watcher.seen === 0) problems.push(`Host ${name}: the API told no total.`);
      problems.push(...watcher.problems.slice(0, 10).map((problem) => `Host ${name}: ${problem}`));
    }
    const above = this.#seen.filter(({ total, lasts }) => total > rowsUpTo(lasts));
    if (above.length > 0)
      problems.push(`${above.length} of ${this.#seen.length} totals were above what was accepted:`);
    for (const { name, total, lasts } of above.slice(0, 10))
      problems.push(`  host ${name}: ${total} where ${rowsUpTo(lasts)} were`);
    return problems;
  }
}

/** Tells how many rows the events are that the hub held when its partitions ended at these sequence numbers. */
function countRows(held: readonly HeldEvent[], bodies: BodyMaker): (lasts: readonly number[]) => number {
  const upTo: number[][] = [];
  for (const { partition, sequence, id } of held) {
    const rows = bodies.fatesOf(id).filter((fate) => fate === 'row').length;
    const sums = upTo[partition] ?? [];
    upTo[partition] = sums;
    sums[sequence] = (sums[sequence - 1] ?? 0) + rows;
  }
  return (lasts) => lasts.reduce((sum, last, partition) => sum + (upTo[partition]?.[last] ?? 0), 0);
}
