import type { Counters } from './counters';
import type { SeriesParts } from './series';
import { type BucketSpan, keptSpans, spanNames } from './spans';
import type { Tally } from './tally';

/** A count that differs. */
export interface CountDifference {
  /** Which count it is: the key, or what else was compared, and the time. */
  readonly of: string;
  readonly served: number;
  readonly live: number;
}

/**
 * All counts in which two tallies of the same rows differ, one by one. Compared are the counts of each key since the beginning and in each
 * bucket, the counts of all rows in each minute, and those of the rows whose keys are not counted on their own. Both tallies must keep the
 * same times.
 */
export function* compareTallies(served: Tally, live: Tally): Generator<CountDifference, void> {
  const [folded, others] = ['all others', 'the most of one of the others'];
  const pairs = [
    ...[...new Set([...served.keys, ...live.keys])].map((key) => [
      String(key),
      served.countOf(key),
      live.countOf(key),
    ]),
    [folded, served.folded?.total ?? 0, live.folded?.total ?? 0],
    [others, served.folded?.most ?? 0, live.folded?.most ?? 0],
  ] as [string, number, number][];
  for (const [of, one, other] of pairs) if (one !== other) yield { of, served: one, live: other };
  yield* ofSeries('all', keptSpans.total, served.totals.parts(), live.totals.parts());
  for (const name of spanNames) {
    const series = [
      served.folded?.times[name].parts() ?? [],
      live.folded?.times[name].parts() ?? [],
    ] as const;
    yield* ofSeries(folded, keptSpans[name], ...series);
  }
  yield* ofBuckets(served, live);
}

function* ofBuckets(served: Tally, live: Tally): Generator<CountDifference, void> {
  const inLive = served.keys.map((key) => live.indexOf(key));
  const inServed = live.keys.map((key) => served.indexOf(key));
  for (const name of spanNames) {
    const span = keptSpans[name];
    const [one, other] = [new Map(served.times[name].parts()), new Map(live.times[name].parts())];
    for (const bucket of bucketsOf(one, other)) {
      const [ofServed, ofLive] = [one.get(bucket), other.get(bucket)];
      const found: CountDifference[] = [];
      const compare = (key: unknown, served: number, live: number) => {
        if (served !== live) found.push({ of: `${key} ${spanOf(bucket, span)}`, served, live });
      };
      ofServed?.forEach((index, count) => {
        compare(served.keys[index], count, countIn(ofLive, inLive[index]));
      });
      ofLive?.forEach((index, count) => {
        // Keys whose count there is not 0 were compared already, from the other side.
        const there = countIn(ofServed, inServed[index]);
        if (there === 0) compare(live.keys[index], there, count);
      });
      yield* found;
    }
  }
}

const countIn = (counters: Counters | undefined, index: number | undefined): number =>
  index === undefined ? 0 : (counters?.get(index) ?? 0);

function* ofSeries(
  what: string,
  span: BucketSpan,
  ...[served, live]: readonly [SeriesParts, SeriesParts]
): Generator<CountDifference, void> {
  const [one, other] = [new Map(served), new Map(live)];
  for (const bucket of bucketsOf(one, other)) {
    const [count = 0, there = 0] = [one.get(bucket), other.get(bucket)];
    if (count !== there) yield { of: `${what} ${spanOf(bucket, span)}`, served: count, live: there };
  }
}

const bucketsOf = (...parts: readonly ReadonlyMap<number, unknown>[]): number[] =>
  [...new Set(parts.flatMap((part) => [...part.keys()]))].sort((a, b) => a - b);

/** A bucket as a time, like `from 2026-03-29T13:20 to 2026-03-29T13:21`. */
const spanOf = (bucket: number, { bucketMs }: BucketSpan): string =>
  [bucket, bucket + 1]
    .map(
      (each, index) =>
        `${index === 0 ? 'from' : 'to'} ${new Date(each * bucketMs).toISOString().slice(0, 16)}`,
    )
    .join(' ');
