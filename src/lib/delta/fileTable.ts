import type { Add } from './actions';
import { fileKey } from './fileKey';
import type { FileRows } from './fileRows';

interface Part {
  /** The number of the part's first row. Rows are numbered through all parts. */
  readonly start: number;
  readonly files: FileRows;
}

/**
 * Live files by `fileKey`, in the order in which they were added. Files of a checkpoint stay in its columns, and an action object is made
 * each time that it is asked for.
 */
export class FileTable implements ReadonlyMap<string, Add> {
  /** By key: an action, or the number of the row that has it. */
  readonly #entries: Map<string, Add | number>;
  readonly #parts: Part[];
  #nextRow: number;

  private constructor(entries: Map<string, Add | number>, parts: Part[], nextRow: number) {
    this.#entries = entries;
    this.#parts = parts;
    this.#nextRow = nextRow;
  }

  /** A copy of these files, which can be changed without changing them. */
  static of(files: ReadonlyMap<string, Add> = new Map()): FileTable {
    return files instanceof FileTable
      ? new FileTable(new Map(files.#entries), [...files.#parts], files.#nextRow)
      : new FileTable(new Map(files), [], 0);
  }

  get size(): number {
    return this.#entries.size;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  get(key: string): Add | undefined {
    return this.#actionOf(this.#entries.get(key));
  }

  set(add: Add): void {
    this.#entries.set(fileKey(add), add);
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  /**
   * Adds the files of a part of a checkpoint.
   * @param onKey called with the key of each file
   */
  addRows(files: FileRows, onKey: (key: string) => void): void {
    const start = this.#nextRow;
    this.#parts.push({ start, files });
    this.#nextRow += files.rows;
    for (const row of files.indices()) {
      const key = files.keyAt(row);
      this.#entries.set(key, start + row);
      onKey(key);
    }
  }

  keys(): MapIterator<string> {
    return this.#entries.keys();
  }

  *values(): Generator<Add, undefined> {
    for (const entry of this.#entries.values()) yield this.#actionOf(entry);
  }

  *entries(): Generator<[string, Add], undefined> {
    for (const [key, entry] of this.#entries) yield [key, this.#actionOf(entry)];
  }

  [Symbol.iterator](): Generator<[string, Add], undefined> {
    return this.entries();
  }

  forEach(take: (add: Add, key: string, files: ReadonlyMap<string, Add>) => void): void {
    for (const [key, add] of this) take(add, key, this);
  }

  /** The files whose actions have further members, such as a deletion vector. */
  *unusual(): Generator<Add, void> {
    for (const entry of this.#entries.values()) {
      if (typeof entry !== 'number') yield entry;
      else {
        const { start, files } = this.#partOf(entry);
        if (files.hasOthers(entry - start)) yield files.at(entry - start);
      }
    }
  }

  #actionOf<Action extends Add | undefined>(entry: Action | number): Action | Add {
    if (typeof entry !== 'number') return entry;
    const { start, files } = this.#partOf(entry);
    return files.at(entry - start);
  }

  /** The part that has a row: the last part that begins at the row or before it. */
  #partOf(row: number): Part {
    let low = 0;
    for (let high = this.#parts.length; low + 1 < high; ) {
      const middle = (low + high) >> 1;
      if ((this.#parts[middle]?.start ?? 0) <= row) low = middle;
      else high = middle;
    }
    const part = this.#parts[low];
    if (!part) throw new RangeError(`no part has the row ${row}`);
    return part;
  }
}
