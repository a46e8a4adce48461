import { type ColumnChunk, columnChunks } from '../delta/parquet/columnChunks';
import type { ByteSource } from '../delta/parquet/sourceFile';

/*
 * Which parts of a data file are copied: of a large one the columns that a statement reads, and all that is no column's.
 */

/** Names of columns in lower case, or all columns. */
export type Parts = ReadonlySet<string> | 'all';

/** Bytes of a file; `end` is exclusive. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** A file up to this size is copied whole: one request costs more than its bytes. */
const smallFile = 1024 * 1024;
/** Bytes that nobody needs are copied with those on both sides of them, if they are no more than these. */
const smallGap = 64 * 1024;

export const isEverything = (parts: Parts): parts is 'all' => parts === 'all';

/** A file of which no columns are told apart. */
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

  /** What has to be copied so that these columns are there. */
  missing(columns: Parts): Range[] {
    const isMissing = (chunk: ColumnChunk) => isPart(chunk, columns) && !this.#had.has(chunk.column);
    const chunks = this.#chunks.filter(isMissing);
    return merged(this.#isBegun ? chunks : [...chunks, ...this.#gaps()]);
  }

  /** Notes that these columns were copied. */
  have(columns: Parts): void {
    this.#isBegun = true;
    for (const chunk of this.#chunks) if (isPart(chunk, columns)) this.#had.add(chunk.column);
  }

  /** What is no column's: the beginning, the footer, and what may be between columns, like Bloom filters. */
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
