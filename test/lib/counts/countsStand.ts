import { cachedStatePath } from '../../../src/lib/counts/cachedState';
import type { CountOptions } from '../../../src/lib/counts/countLiveFiles';
import { Counts, type CountsOptions } from '../../../src/lib/counts/counts';
import type { TableLocation } from '../../../src/lib/delta/log';
import { TributaryError } from '../../../src/lib/errors';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import type { ObjectStore } from '../../../src/lib/storage/objectStore';
import { countedClicks } from '../../../src/lib/streams/clickstream';
import { ClicksTable } from './clicksTable';

/** A store that records its reads, and can make them fail. */
export class FaultyStore extends MemoryStore {
  reads: string[] = [];
  /** What reading a path comes to: 503 throws, 404 finds nothing there. */
  fault: (path: string) => 503 | 404 | undefined = () => undefined;

  override async get(path: string) {
    return this.#isMissing(path) ? undefined : super.get(path);
  }

  override async getRange(path: string, start: number, length: number) {
    return this.#isMissing(path) ? undefined : super.getRange(path, start, length);
  }

  dataFiles = () => this.reads.filter((path) => path.endsWith('.parquet'));

  #isMissing(path: string): boolean {
    this.reads.push(path);
    const fault = this.fault(path);
    if (fault === 503) throw new TributaryError('storage.unavailable', 'The lake is away.');
    return fault === 404;
  }
}

/** Counts of clicks that look at the log whenever they are asked. */
export const openCounts = (at: TableLocation, options: Partial<CountsOptions> = {}) =>
  new Counts({ at, counted: countedClicks, refreshMs: 0, ...options });

/** A new table of clicks in a store of its own, and counts of it by a clock that the test sets. */
export class CountsStand {
  readonly store = new FaultyStore();
  table = new ClicksTable(this.store);
  nowMs = Date.now();

  static async create(): Promise<CountsStand> {
    const stand = new CountsStand();
    await stand.table.create();
    return stand;
  }

  open(options: Partial<CountsOptions> = {}): Counts {
    const clock = () => this.nowMs;
    return openCounts(this.table.at, { now: clock, monotonicNow: clock, ...options });
  }
}

/** Clicks by product, and the version they are of. */
export async function counted(counts: Counts) {
  const { version, tally } = await counts.current();
  const clicks = Object.fromEntries(tally.keys.map((key, index) => [key, tally.counts[index]]));
  return { version, total: tally.total, clicks };
}

const statePath = cachedStatePath('clicks');

/** The cached state as it is stored. */
export async function cachedText(store: ObjectStore): Promise<string> {
  return Buffer.from((await store.get(statePath))?.bytes ?? []).toString('utf8');
}

export const cachedState = async (store: ObjectStore) => JSON.parse(await cachedText(store));

/** Puts a text in the place of the cached state. */
export const putCached = (store: ObjectStore, text: string) => store.put(statePath, Buffer.from(text));

/** Options of counts of clicks that follow the log. */
export const foldOptions = (at: TableLocation, maxKeys = 100): CountOptions => ({
  at,
  counted: countedClicks,
  maxKeys,
  preferred: async () => ({ keys: new Set(), tag: '' }),
  now: Date.now,
  warn: console.warn,
});
