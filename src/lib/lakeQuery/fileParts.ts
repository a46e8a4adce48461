import { type ColumnChunk, columnChunks } from '../delta/parquet/columnChunks';
import type { ByteSource } from '../delta/parquet/sourceFile';

/*
 * Tells which parts of a data file are copied. Of a large file, these are the columns that a statement reads, and everything that belongs
 * to no column.
 */

/** Names of columns in lower case, or all columns. */
export type Parts = ReadonlySet<string> | 'all';

/** A range of bytes in a file. `end` is the position after the last byte. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** A file up to this size is copied whole: one request costs more than its bytes. */
const smallFile = 1024 * 1024;
/** Up to this many unneeded bytes between two needed ranges are copied with them, because one request for both costs less than two. */
const smallGap = 64 * 1024;

export const isEverything = (parts: Parts): parts is 'all' => parts === 'all';

/** The parts of a file that is always copied as a whole. */
export const wholeFile = (size: number): FileParts => new FileParts(size, []);

/** @throws `parquet.invalid`, naming `where`, if the file is damaged */
export const readParts = async (source: ByteSource, where: string): Promise<FileParts> =>
  source.size <= smallFile
    ? wholeFile(source.size)
    : new FileParts(source.size, await columnChunks(source, where));

/** The parts of a file, and which of them were copied. */
export class FileParts {
  readonly #size: number;
  readonly #chunks: readonly ColumnChunk[];
  readonly #had = new Set<string>();
  #isBegun = false;

  constructor(size: number, chunks: readonly ColumnChunk[]) {
    this.#size = size;
    this.#chunks = chunks;
  }

  /** The ranges that still have to be copied so that these columns can be read. */
  missing(columns: Parts): Range[] {
    const isMissing = (chunk: ColumnChunk) => isPart(chunk, columns) && !this.#had.has(chunk.column);
    const chunks = this.#chunks.filter(isMissing);
    return merged(this.#isBegun ? chunks : [...chunks, ...this.#gaps()]);
  }

  /** Records that these columns were copied. */
  have(columns: Parts): void {
    this.#isBegun = true;
    for (const chunk of this.#chunks) if (isPart(chunk, columns)) this.#had.add(chunk.column);
  }

  /** The ranges that belong to no column: the beginning, the footer, and what may lie between columns, like Bloom filters. */
  #gaps(): Range[] {
    const ends = [0, ...this.#chunks.map(({ end }) => end)];
    const starts = [...this.#chunks.map(({ start }) => start), this.#size];
    return ends.flatMap((start, index) => {
      const end = starts[index] ?? start;
      return end > start ? [{ start, end }] : [];
    });
  }
}

const isPart = ({ column }: ColumnChunk, columns: Parts): boolean =>
  isEverything(columns) || columns.has(column.toLowerCase());

function merged(ranges: readonly Range[]): Range[] {
  const all: Range[] = [];
  for (const range of ranges.toSorted((a, b) => a.start - b.start)) {
    const last = all.at(-1);
    if (last && range.start - last.end <= smallGap)
      all[all.length - 1] = { start: last.start, end: Math.max(last.end, range.end) };
    else all.push(range);
  }
  return all;
}
