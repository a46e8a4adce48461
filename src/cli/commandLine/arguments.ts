import { resolve } from 'node:path';
import { isHeaderToken } from '../../lib/confidentialUrl';
import { type DurationUnit, dayMs, parseDuration } from '../../lib/duration';
import { type Flag, orList, type Word } from './command';

/*
 * The kinds of words and flags that commands take.
 */

/** Given or not. */
export const switchFlag = (meaning: string): Flag<boolean> => ({
  meaning,
  fallback: false,
  read: () => true,
});

/** @param value what stands for the text in the usage, like `FILE` */
export const textFlag = (value: string, meaning: string): Flag<string | undefined> => ({
  value,
  meaning,
  expected: 'a text',
  fallback: undefined,
  read: (text) => text || undefined,
});

/** A key of the app, which is sent as the value of a header. */
export const keyFlag = (meaning: string): Flag<string | undefined> => ({
  value: 'KEY',
  meaning,
  expected: 'a key in one line, of letters without accents, digits and signs, without blanks',
  fallback: undefined,
  shown: () => '***',
  read: (text) => (isHeaderToken(text) ? text : undefined),
});

/** The path of a file. */
export const fileFlag = (meaning: string): Flag<string | undefined> => ({
  ...textFlag('FILE', meaning),
  expected: 'the path of a file',
  read: (text) => (text === '' ? undefined : fromCallersFolder(text)),
});

/** npm runs a command in the project's folder, wherever it was called: a path is meant to be seen from there. */
function fromCallersFolder(path: string): string {
  const { INIT_CWD: folder } = process.env;
  return folder === undefined || resolve(folder) === process.cwd() ? path : resolve(folder, path);
}

export interface NumberFlag<F> {
  readonly meaning: string;
  /** The value if the flag is not given. If it is a number, the usage shows it. */
  readonly fallback: F;
  /** The lowest value that is accepted; 0 by default. */
  readonly least?: number;
  readonly most: number;
  /** Whether fractions are refused. */
  readonly whole?: boolean;
}

export function numberFlag<F extends number | undefined>(described: NumberFlag<F>): Flag<number | F> {
  const { meaning, fallback, least = 0, most, whole = false } = described;
  return {
    value: 'N',
    meaning: fallback === undefined ? meaning : `${meaning}, by default ${fallback}`,
    expected: `a ${whole ? 'whole ' : ''}number from ${least} to ${most}`,
    fallback,
    read(text) {
      const value = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
      const isTaken = value >= least && value <= most && (Number.isInteger(value) || !whole);
      return isTaken ? value : undefined;
    },
  };
}

/** A TCP port. The value 0 takes a free one. */
export const portFlag = (what: string, fallback: number): Flag<number> =>
  numberFlag({ meaning: `port of ${what}`, fallback, most: 65_535, whole: true });

const durationUnits: readonly DurationUnit[] = ['ms', 's', 'm', 'h'];

/** 24 days: a timer of Node.js that is set for 25 does not wait at all. */
const longestMs = 24 * dayMs;

/**
 * A flag for a duration, whose value is in milliseconds.
 * @param example how the usage shows the value, like `20s`
 */
export const durationFlag = (example: string, meaning: string): Flag<number | undefined> => ({
  value: example,
  meaning,
  expected: 'a duration like 20s or 5m, of at most 576h',
  fallback: undefined,
  // A duration of 0 is refused: a command would do nothing in it, or repeat its work without a pause.
  read(text) {
    const value = parseDuration(text, durationUnits) || undefined;
    return value !== undefined && value <= longestMs ? value : undefined;
  },
});

/** An address of http or https, and nothing more: a path would be replaced, and a key in it would not be sent. */
export const urlFlag = (meaning: string, fallback: string): Flag<URL> => ({
  value: 'URL',
  meaning: `${meaning}, by default ${fallback}`,
  expected: 'an address like https://NAME.azurewebsites.net, without path, user or key',
  fallback: new URL(fallback),
  read(text) {
    const url = URL.parse(text);
    return url && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/` ? url : undefined;
  },
  shown: (text) => text.replace(/\/\/[^/?#]*@/, '//***@').replace(/[?#].*$/s, '?***'),
});

/** A whole number that JavaScript holds exactly. */
export const wholeWord = (noun: string): Word<number> => ({
  noun,
  expected: async () => `a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`,
  read: (text) => (/^\d+$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : undefined),
});

/** Any text but an empty one. */
export const textWord = (noun: string, expected: string): Word<string> => ({
  noun,
  expected: async () => expected,
  read: (text) => text || undefined,
});

/** The path of a file. */
export const fileWord = (expected: string): Word<string> => ({
  noun: 'file',
  expected: async () => expected,
  read: (text) => (text === '' ? undefined : fromCallersFolder(text)),
});

/** A word that is one of some names. The names are looked up when they are needed. */
export const nameWord = <T>(noun: string, known: () => Promise<ReadonlyMap<string, T>>): Word<T> => ({
  noun,
  expected: async () => orList([...(await known()).keys()]),
  read: async (text) => (await known()).get(text),
});
