import type { BucketParts } from '../../../src/lib/counts/buckets';
import { bySpan } from '../../../src/lib/counts/spans';
import type { Tally } from '../../../src/lib/counts/tally';

/** Buckets as numbers: the bucket's own, the indexes of keys whose counts are not 0, and these counts. */
export const plainBuckets = (parts: BucketParts): [number, number[], number[]][] =>
  [...parts].map(([bucket, counters]) => {
    const [indexes, counts]: [number[], number[]] = [[], []];
    counters.forEach((index, count) => {
      indexes.push(index);
      counts.push(count);
    });
    return [bucket, indexes, counts];
  });

/** All that a tally counts, as plain values that can be compared. */
export function plainTally(tally: Tally) {
  const { times, totals, folded, ...lists } = tally.parts();
  return {
    ...structuredClone(lists),
    ...bySpan((name) => plainBuckets(times[name])),
    totals: [...totals].sort(([a], [b]) => a - b),
    ...(folded && {
      folded: { shared: folded.shared, ...bySpan((name) => [...folded.times[name]]) },
    }),
  };
}
