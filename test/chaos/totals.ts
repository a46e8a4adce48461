import { clicksOfTheApi } from '../../local/figures';
import { TotalsWatcher } from '../functions/totalsWatcher';
import type { BodyMaker } from './bodies';
import { missingInHistory } from './jump';
import type { HeldEvent } from './readHub';
import { settle } from './settle';
import { type ChaosSystem, hostNames } from './system';

/** How long a total may stay the same before it is final. An instance refreshes every 250 ms, so this is long enough. */
const stuckMs = 15_000;

/** A total that an API answered, and the last sequence number of each partition right after the answer. */
interface SeenTotal {
  readonly name: string;
  readonly total: number;
  readonly lasts: readonly number[];
}

/** Watches the totals of each host's API during all kills. */
export class Totals {
  readonly #system: ChaosSystem;
  readonly #seen: SeenTotal[] = [];
  readonly #watchers: readonly { readonly name: string; readonly watcher: TotalsWatcher }[];

  constructor(system: ChaosSystem) {
    this.#system = system;
    this.#watchers = hostNames.map((name) => {
      const accepted = async (total: number) => {
        this.#seen.push({ name, total, lasts: await system.lastSequenceNumbers('clickstream') });
        // The number of rows of these events is only known when the hub is read at the end.
        return Number.POSITIVE_INFINITY;
      };
      return { name, watcher: new TotalsWatcher({ apiUrl: () => system.hostUrl(name), accepted }) };
    });
  }

  /** How many totals each API has answered so far, by host. */
  seen(): Record<string, number> {
    return Object.fromEntries(this.#watchers.map(({ name, watcher }) => [name, watcher.seen]));
  }

  /** Set while the lake is rolled back: then totals fall rightly. */
  set mayFall(mayFall: boolean) {
    for (const { watcher } of this.#watchers) watcher.mayFall = mayFall;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#watchers.map(({ watcher }) => watcher.stop()));
  }

  /**
   * Waits until each API answers the number of rows that the hub's events make, and ends watching. Returns the problems: a total
   * that fell although it must not, a total above the events in the hub at that time, or a last total that is not equal.
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
      const missing = await missingInHistory(this.#system.hostUrl(name) ?? '');
      if (missing !== 0) problems.push(`Host ${name}: ${missing} clicks are missing in its history.`);
      log(
        `API of host ${name}: ${total} clicks where ${wanted} were accepted, ${missing} not in its history`,
      );
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

/** Returns a function that counts the rows of all events up to the given last sequence numbers of the partitions. */
function countRows(held: readonly HeldEvent[], bodies: BodyMaker): (lasts: readonly number[]) => number {
  const upTo: number[][] = [];
  for (const { partition, sequenceNumber, id } of held) {
    const rows = bodies.fatesOf(id).filter((fate) => fate === 'row').length;
    const sums = upTo[partition] ?? [];
    upTo[partition] = sums;
    sums[sequenceNumber] = (sums[sequenceNumber - 1] ?? 0) + rows;
  }
  return (lasts) => lasts.reduce((sum, last, partition) => sum + (upTo[partition]?.[last] ?? 0), 0);
}
