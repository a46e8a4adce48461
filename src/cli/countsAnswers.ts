import { ensureAnswered, objectIn, type Reply } from './countsClient';
import { notTheApi } from './noAnswer';

/*
 * The API's answers about counts, which have other words for the clicks than for the rows of other streams, in one form.
 */

/** The API's words for things, and those for people. */
export interface CountWords {
  /** The path below `/api/`. */
  readonly path: string;
  readonly key: string;
  readonly keys: string;
  readonly attribute: string;
  readonly count: string;
  /** The noun for what is counted, like `click`. */
  readonly noun: string;
  /** The noun for what it is counted by, like `product`. */
  readonly keyNoun: string;
}

const clickWords: CountWords = {
  path: 'clicks',
  key: 'productid',
  keys: 'products',
  attribute: 'category',
  count: 'clicks',
  noun: 'click',
  keyNoun: 'product',
};

/** @param stream the name of a stream; undefined for the clicks */
export const wordsOf = (stream: string | undefined): CountWords =>
  stream === undefined
    ? clickWords
    : {
        path: `counts/${encodeURIComponent(nameInPath(stream))}`,
        key: 'key',
        keys: 'keys',
        attribute: 'attribute',
        count: 'count',
        noun: 'row',
        keyNoun: 'key',
      };

/**
 * The stream's name as a part of a path. An address takes "." and ".." for folders, so they get a slash. No stream has such a name, and
 * none has a slash in its name: the API answers for both that there is no such stream.
 */
const nameInPath = (stream: string): string => (/^\.{1,2}$/.test(stream) ? `${stream}/` : stream);

type Key = string | number;

export interface CountedKey {
  readonly key: Key;
  readonly name: string | undefined;
  readonly attribute: Key | undefined;
  readonly count: number;
}

export interface CountsAnswer {
  readonly version: number;
  /** ISO time; undefined if there is no table. */
  readonly asOf: string | undefined;
  readonly total: number;
  readonly keys: readonly CountedKey[];
  /** The rows of the keys that are not counted on their own. */
  readonly other: { readonly count: number; readonly atMost: number } | undefined;
}

/** A time that consists of whole buckets. */
export interface Span {
  /** ISO times. */
  readonly from: string;
  readonly to: string;
}

/** A time compared with the time of the same length before it. */
export interface Trend extends Span {
  readonly total: number;
  readonly before: number;
  readonly byKey: ReadonlyMap<Key, Change>;
  /** A time without any rows, after which the first ones came. It is set if it is too early for a rate. */
  readonly noneIn?: Span;
}

/** The time of the same length before it. */
export const spanBefore = ({ from, to }: Span): Span => ({
  from: new Date(2 * Date.parse(from) - Date.parse(to)).toISOString(),
  to: from,
});

export interface Change {
  readonly count: number;
  readonly before: number;
  readonly attribute: Key | undefined;
}

/**
 * Reads the answer about all keys, or about one.
 * @throws Error if the API refused, or if something else than the API answers there
 */
export function readCounts(reply: Reply, words: CountWords): CountsAnswer {
  const answer = objectIn(ensureAnswered(reply));
  const version = answer?.version;
  if (!answer || typeof version !== 'number') throw noCounts(reply);
  const asOf = typeof answer.asOf === 'string' ? answer.asOf : undefined;
  const one = readKey(answer, words);
  if (one) return { version, asOf, total: one.count, keys: [one], other: undefined };
  const { total, other } = answer;
  if (typeof total !== 'number') throw noCounts(reply);
  return { version, asOf, total, keys: listOf(answer, words, reply), other: readOther(other, words) };
}

/** @throws what readCounts throws */
export function readTrend(reply: Reply, words: CountWords): Trend {
  const answer = objectIn(ensureAnswered(reply)) ?? {};
  const { from, to, total, totalBefore } = answer;
  if (typeof from !== 'string' || typeof to !== 'string') throw noCounts(reply);
  if (typeof total !== 'number' || typeof totalBefore !== 'number') throw noCounts(reply);
  const entries = objectsIn(answer[words.keys]).flatMap((entry): [Key, Change][] => {
    const key = readKey(entry, words);
    return key ? [[key.key, { ...key, before: Number(entry.before) }]] : [];
  });
  return { from, to, total, before: totalBefore, byKey: new Map(entries) };
}

/** @throws Error if the API refused, or if something else answers there */
export function readCsv(reply: Reply): string {
  const { text, type } = ensureAnswered(reply);
  if (!type.startsWith('text/csv')) throw noCounts(reply);
  return text;
}

const noCounts = ({ place }: Reply) => new Error(`${place} ${notTheApi}`);

function listOf(answer: Record<string, unknown>, words: CountWords, reply: Reply): CountedKey[] {
  if (!Array.isArray(answer[words.keys])) throw noCounts(reply);
  return objectsIn(answer[words.keys]).flatMap((entry) => readKey(entry, words) ?? []);
}

const objectsIn = (list: unknown): Record<string, unknown>[] =>
  Array.isArray(list) ? list.filter((each) => typeof each === 'object' && each !== null) : [];

function readKey(entry: Record<string, unknown>, words: CountWords): CountedKey | undefined {
  const key = entry[words.key];
  const count = entry[words.count];
  if (!isKey(key) || typeof count !== 'number') return undefined;
  const attribute = entry[words.attribute];
  return {
    key,
    count,
    name: typeof entry.name === 'string' ? entry.name : undefined,
    attribute: isKey(attribute) ? attribute : undefined,
  };
}

const isKey = (value: unknown): value is Key => typeof value === 'string' || typeof value === 'number';

function readOther(other: unknown, { count }: CountWords): CountsAnswer['other'] {
  const [found] = objectsIn([other]);
  return found && { count: Number(found[count]), atMost: Number(found.atMost) };
}
