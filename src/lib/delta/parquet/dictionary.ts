import { bitWidthOf, encodeIndices } from './rleHybrid';

/** The most entries of a dictionary. A larger one would hardly ever save space. */
export const mostEntries = 4096;
/** If whole numbers lie within this range, they are looked up in a table, which is several times as fast as a map. */
const mostRange = 65_536;
/** How many bytes a dictionary must save: those of its page header, and some for the time that it takes. */
const leastSaving = 64;

/** What is found out in one pass over all numbers. */
export interface Survey {
  readonly min: number;
  readonly max: number;
  /** How often a number differs from the one before it, plus one. */
  readonly runs: number;
}

export interface Dictionary {
  /** The different numbers, in the order in which they first occur. */
  readonly entries: Float64Array;
  /** The indices as a page holds them (parquet-format, Encodings.md, "Dictionary Encoding"). */
  readonly indices: Buffer;
}

/**
 * Turns the numbers of a column into a dictionary and indices. Undefined if there are too many different numbers, or too few rows, for it
 * to be worthwhile.
 * @param isWhole true if all numbers are whole
 * @param width how many bytes a plain number takes
 */
export function dictionaryOf(
  numbers: Float64Array,
  survey: Survey,
  isWhole: boolean,
  width: number,
): Dictionary | undefined {
  const { min, max, runs } = survey;
  // A table is made only if it has fewer places than there are numbers. Otherwise making it takes longer than it saves.
  const isTable = isWhole && max - min < Math.min(mostRange, numbers.length);
  // Without a table, each number that differs from the one before it must be looked up in a map. If most do, that takes too long.
  if (!isTable && runs * 8 > numbers.length) return undefined;
  const indices = new Uint16Array(numbers.length);
  const entries = isTable ? byTable(numbers, indices, min, max) : byRuns(numbers, indices);
  if (!entries) return undefined;
  const isRuns = runs * 8 <= numbers.length;
  const bits = isRuns ? runs * 24 : numbers.length * bitWidthOf(entries.length);
  if (!isWorthwhile(numbers.length * width, bits / 8 + entries.length * width)) return undefined;
  return { entries: Float64Array.from(entries), indices: encodeIndices(indices, entries.length) };
}

/**
 * Whether a dictionary with its indices is smaller than half of the plain values. Compression would make the plain values about that small.
 */
export const isWorthwhile = (plainBytes: number, bytes: number): boolean =>
  plainBytes / 2 - bytes >= leastSaving;

function byTable(
  numbers: Float64Array,
  indices: Uint16Array,
  min: number,
  max: number,
): number[] | undefined {
  const table = new Int16Array(max - min + 1).fill(-1);
  const entries: number[] = [];
  for (let at = 0; at < numbers.length; at++) {
    const value = numbers[at] as number;
    let index = table[value - min] as number;
    if (index < 0) {
      if (entries.length === mostEntries) return undefined;
      index = entries.length;
      table[value - min] = index;
      entries.push(value);
    }
    indices[at] = index;
  }
  return entries;
}

function byRuns(numbers: Float64Array, indices: Uint16Array): number[] | undefined {
  const known = new Map<number, number>();
  const entries: number[] = [];
  for (let at = 0; at < numbers.length; ) {
    const value = numbers[at] as number;
    let end = at + 1;
    while (end < numbers.length && Object.is(numbers[end], value)) end++;
    let index = known.get(value);
    // A map takes 0 and -0 for the same key.
    if (index === undefined || !Object.is(entries[index], value)) {
      if (entries.length === mostEntries) return undefined;
      index = entries.length;
      known.set(value, index);
      entries.push(value);
    }
    indices.fill(index, at, end);
    at = end;
  }
  return entries;
}
