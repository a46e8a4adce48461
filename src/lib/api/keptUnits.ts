import { keptSpans, type SpanName, spanNames } from '../counts/spans';
import type { Tally } from '../counts/tally';

/** A length of buckets in which rows are counted by key. */
export interface Unit {
  readonly name: SpanName;
  readonly ms: number;
  /** How many buckets are known before the current one. */
  readonly most: number;
}

/** The finest first. */
export const units: readonly Unit[] = spanNames.map((name) => {
  const { bucketMs, kept } = keptSpans[name];
  return { name, ms: bucketMs, most: kept - 1 };
});

/** Clicks in some buckets. */
export interface ClicksIn {
  /** By the index of the product. */
  readonly counts: Float64Array;
  /** Of the products that are not counted on their own; undefined if every product is. */
  readonly folded: number | undefined;
}

/** Clicks in the buckets `first` to `last` of a unit, both included. */
export function clicksIn(tally: Tally, unit: Unit, first: number, last: number): ClicksIn {
  const counts = new Float64Array(tally.keys.length);
  let folded = 0;
  for (const [{ name }, from, to] of pieces(unit, first, last)) {
    tally.times[name].addTo(counts, from, to);
    folded += tally.folded?.times[name].sum(from, to) ?? 0;
  }
  return { counts, folded: tally.folded && folded };
}

/** The same buckets, with larger ones in the place of those that they are made of: a week of hours has six whole days. */
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
