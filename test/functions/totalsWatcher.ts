import { setTimeout as sleep } from 'node:timers/promises';

export interface TotalsWatcherOptions {
  /** The URL of the API now; undefined while it is down. */
  readonly apiUrl: () => string | undefined;
  /** How many clicks the hub has accepted by now, asked after this total was seen. Throws while that cannot be told. */
  readonly accepted: (total: number) => Promise<number>;
}

/**
 * Asks the API for the total again and again. What it notes down as a problem must never happen: a total that falls, or one above
 * what was accepted. No answer at all is none.
 */
export class TotalsWatcher {
  readonly problems: string[] = [];
  /** While this is set, a total may fall. A total above the accepted events is always a problem. */
  mayFall = false;
  /** Totals that were seen. */
  seen = 0;
  last = 0;
  #stopped = false;
  readonly #watching: Promise<void>;

  constructor(options: TotalsWatcherOptions) {
    this.#watching = this.#watch(options);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#watching;
  }

  async #watch({ apiUrl, accepted }: TotalsWatcherOptions): Promise<void> {
    while (!this.#stopped) {
      await sleep(50);
      const total = await readTotal(apiUrl()).catch(() => undefined);
      if (total === undefined) continue;
      this.seen++;
      if (total < this.last && !this.mayFall)
        this.problems.push(`The total fell from ${this.last} to ${total}.`);
      this.last = total;
      // Asked for afterwards: more may have been accepted since, never less.
      const limit = await accepted(total).catch(() => undefined);
      if (limit !== undefined && total > limit)
        this.problems.push(`The total is ${total}, but ${limit} were accepted.`);
    }
  }
}

async function readTotal(url: string | undefined): Promise<number | undefined> {
  if (url === undefined) return undefined;
  const reply = await fetch(`${url}/api/clicks?top=1`, { signal: AbortSignal.timeout(10_000) });
  return reply.ok ? ((await reply.json()) as { total: number }).total : undefined;
}
