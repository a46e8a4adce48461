import type { TableLocation } from '../delta/log';
import { openSnapshot, updateSnapshot } from '../delta/openTable';
import { readDataFile } from '../delta/readDataFile';
import type { Snapshot } from '../delta/state';

/** How many files are read at once. */
const parallelReads = 8;

export interface ProductClicks {
  readonly productid: number;
  readonly category: number | null;
  readonly clicks: number;
}

export interface ClickTotals {
  /** Version of the Delta table that is counted, -1 before there is one. */
  readonly version: number;
  /** When that version was committed, ISO 8601, where its commit says so. */
  readonly asOf: string | null;
  readonly total: number;
  /** Most clicked first, ties by product id. */
  readonly products: readonly ProductClicks[];
}

/**
 * Clicks per product, folded from the Delta log: what one instance has counted up to a version stays in memory, and a
 * refresh reads only the files that newer commits added.
 */
export class ClickCounts {
  readonly #at: TableLocation;
  #snapshot: Snapshot | undefined;
  #products = new Map<number, { category: number | null; clicks: number }>();
  #total = 0;
  #refresh: Promise<void> | undefined;

  constructor(at: TableLocation) {
    this.#at = at;
  }

  /** Counts of the newest version. Callers at the same time share one refresh. */
  async totals(): Promise<ClickTotals> {
    this.#refresh ??= this.#fold().finally(() => {
      this.#refresh = undefined;
    });
    await this.#refresh;
    const products = [...this.#products].map(([productid, { category, clicks }]) => ({
      productid,
      category,
      clicks,
    }));
    products.sort((a, b) => b.clicks - a.clicks || a.productid - b.productid);
    const { version = -1, committedAt } = this.#snapshot ?? {};
    const asOf = committedAt === undefined ? null : new Date(committedAt).toISOString();
    return { version, asOf, total: this.#total, products };
  }

  async #fold(): Promise<void> {
    const before = this.#snapshot;
    const after = before ? await updateSnapshot(before) : await openSnapshot(this.#at);
    if (!after || after === before) return;
    const rewritten = before && [...before.files.keys()].some((path) => !after.files.has(path));
    const counted = rewritten ? undefined : before?.files;
    const products = counted
      ? new Map(this.#products)
      : new Map<number, { category: number | null; clicks: number }>();
    let total = counted ? this.#total : 0;
    const files = [...after.files.values()].filter(({ path }) => !counted?.has(path));
    for (let start = 0; start < files.length; start += parallelReads) {
      const read = files
        .slice(start, start + parallelReads)
        .map((add) => readDataFile(after, add, ['productid', 'category']));
      for (const { numRecords, columns } of await Promise.all(read)) {
        const productids = columns.get('productid') ?? [];
        const categories = columns.get('category') ?? [];
        for (let row = 0; row < numRecords; row++) {
          const productid = productids[row] as number;
          const category = categories[row] as number | null;
          products.set(productid, { category, clicks: (products.get(productid)?.clicks ?? 0) + 1 });
        }
        total += numRecords;
      }
    }
    // All at once, so that a failed read leaves the counts of the version before.
    this.#products = products;
    this.#total = total;
    this.#snapshot = after;
  }
}
