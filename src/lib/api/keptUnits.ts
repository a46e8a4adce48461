import type { Stretch } from '../counts/scanTimes';
import { keptSpans, type SpanName, spanNames } from '../counts/spans';
import type { Tally } from '../counts/tally';

/** A length of buckets in which rows are counted by key. */
export interface Unit {
  readonly name: SpanName;
  readonly ms: number;
  /** How many buckets before the current one are kept. */
  readonly most: number;
}

/** All units, the finest first. */
export const units: readonly Unit[] = spanNames.map((name) => {
  const { bucketMs, kept } = keptSpans[name];
  return { name, ms: bucketMs, most: kept - 1 };
});

/** The largest unit of which a length in milliseconds is a whole number; undefined if it is no whole number of minutes. */
export const largestUnitIn = (ms: number): Unit | undefined => units.findLast((unit) => ms % unit.ms === 0);

/**
 * Clicks per product in the buckets `first` to `last` of a unit, both included. At first it has the clicks of which counts are kept; those
 * of the `missing` times are added later.
 */
export class ClicksIn {
  /** The clicks, by the index of the product. */
  readonly counts: Float64Array;
  /** The times of which no counts are kept. */
  readonly missing: readonly Stretch[];
  readonly #hasFolded: boolean;
  #folded = 0;

  constructor(tally: Tally, unit: Unit, first: number, last: number) {
    this.counts = new Float64Array(tally.keys.length);
    this.#hasFolded = tally.folded !== undefined;
    const missing: Stretch[] = [];
    for (const [{ name, ms }, from, to] of pieces(unit, first, last)) {
      const { oldest } = tally.times[name];
      const known = Math.max(from, oldest);
      tally.times[name].addTo(this.counts, known, to);
      this.#folded += tally.folded?.times[name].sum(known, to) ?? 0;
      const end = Math.min(to + 1, oldest);
      if (from < end) missing.push({ fromMs: from * ms, endMs: end * ms });
    }
    this.missing = missing;
  }

  /** The clicks on products that are not counted on their own; undefined if every product is. */
  get folded(): number | undefined {
    return this.#hasFolded ? this.#folded : undefined;
  }

  /** Sets the counts of all other products to 0. */
  keepOnly(isWanted: (index: number) => boolean): void {
    for (let index = 0; index < this.counts.length; index++) if (!isWanted(index)) this.counts[index] = 0;
  }

  /** Adds a click. @param index undefined for a product that is not counted on its own */
  add(index: number | undefined): void {
    if (index === undefined) this.#folded++;
    else this.counts[index] = (this.counts[index] ?? 0) + 1;
  }
}

/** Divides a range of buckets into parts, in which larger units replace smaller ones: a week given in hours has six whole days in it. */
function* pieces(unit: Unit, first: number, last: number): Iterable<readonly [Unit, number, number]> {
  const larger = units[units.indexOf(unit) + 1];
  const ratio = larger ? larger.ms / unit.ms : 1;
  const [firstLarger, endLarger] = [Math.ceil(first / ratio), Math.floor((last + 1) / ratio)];
  if (!larger || endLarger <= firstLarger) {
    yield [unit, first, last];
    return;
  }
  yield [unit, first, firstLarger * ratio - 1];
  yield* pieces(larger, firstLarger, endLarger - 1);
  yield [unit, endLarger * ratio, last];
}
