import type { CountsView } from '../counts/counts';
import type { Key } from '../counts/keys';
import type { NamesView } from '../counts/productNames';
import type { Question, ViewResult } from './answers';
import type { CountTerms } from './countTerms';
import type { Cells } from './csv';
import type { Unfinished } from './lakeScan';
import type { FoldedTold, OtherClicks } from './otherClicks';
import { isoTime } from './timeWindow';

/** The data that an answer is built from. */
export interface ViewInput {
  readonly view: CountsView;
  readonly names: NamesView;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

/** A valid request that can be answered from the counts. */
export interface ClickView extends Pick<Question<never>, 'bucketMs'> {
  /** @throws RequestProblem for an unknown product */
  build(input: ViewInput): ViewResult | Unfinished;
}

export const versionOf = ({ version, committedAt }: CountsView) => ({
  version,
  asOf: committedAt === undefined ? null : isoTime(committedAt),
});

/** A member of a list in an answer. */
export type Entry = Readonly<Record<string, string | number | null>>;

export const cellsOf = (entry: Entry, titles: readonly string[]): Cells =>
  titles.map((title) => entry[title] ?? null);

/** The member `other` of an answer, if it has one. */
export function otherIn(other: OtherClicks | undefined, { count }: CountTerms): { other?: object } {
  if (!other) return {};
  const { clicks, ...more } = other;
  return { other: { [count]: clicks, ...more } };
}

/** The most entries that can be asked for. */
export const mostRows = 1_000_000;

/** What an answer tells about the keys of a tally, beside their counts. */
export interface KeysTold extends FoldedTold {
  readonly keys: readonly Key[];
  readonly attributes: readonly (Key | null)[];
  /** The indexes of the keys, by count, the highest first. */
  ranked(): readonly number[];
}

/** The members of an answer that describe a key. */
export function keyAt(
  tally: Pick<KeysTold, 'keys' | 'attributes'>,
  { names }: NamesView,
  index: number,
  terms: CountTerms,
): Entry {
  const key = tally.keys[index] ?? 0;
  const name = typeof key === 'number' ? names.get(key) : undefined;
  const attribute = tally.attributes[index] ?? null;
  return { [terms.key]: key, ...(name === undefined ? {} : { name }), [terms.attribute]: attribute };
}
