import { type Add, type Commit, checkAdd } from './actions';
import { fileKey } from './fileKey';
import type { Texts } from './parquet/packedTexts';
import type { StoredRowGroup } from './parquet/readSpan';
import type { StructMembers, WantedMembers } from './parquet/structMembers';

/** The members of an add action that are read as columns. */
export const addMembers: WantedMembers = {
  struct: 'add',
  types: { path: 'text', size: 'long', modificationTime: 'long', dataChange: 'boolean', stats: 'large-text' },
};

/** The further members that an add action may have: partition values, tags and a deletion vector. Few tables have them. */
type Others = Readonly<Record<string, unknown>>;

interface PartOfCheckpoint {
  readonly members: StructMembers;
  /** How many rows the part has; some of them have an add action. */
  readonly rows: number;
  /** The further members, by row. */
  readonly others: ReadonlyMap<number, Others>;
  /** Describes a row for error messages. */
  readonly at: (row: number) => string;
}

/**
 * The add actions of a part of a checkpoint, in columns. An action object is made only when it is asked for: the statistics of 100,000
 * files are 50 MB of text, which most callers never read.
 */
export class FileRows {
  /** How many rows the part has, those without an add action included. */
  readonly rows: number;
  readonly #paths: (string | null)[];
  readonly #sizes: Float64Array;
  readonly #times: Float64Array;
  readonly #changes: readonly (boolean | undefined)[];
  readonly #stats: Texts | undefined;
  readonly #others: ReadonlyMap<number, Others>;

  /** Throws `delta.invalid` for an action that makes no sense. */
  constructor({ members, rows, others, at }: PartOfCheckpoint) {
    this.rows = rows;
    this.#others = others;
    const { isThere, texts, longs, booleans } = members;
    const paths = texts.get('path');
    const none = new Float64Array(rows).fill(Number.NaN);
    this.#sizes = longs.get('size') ?? none;
    this.#times = longs.get('modificationTime') ?? none;
    this.#changes = booleans.get('dataChange') ?? [];
    this.#stats = texts.get('stats');
    this.#paths = Array.from({ length: rows }, (_, row) => paths?.at(row) ?? null);
    for (let row = 0; row < rows; row++) {
      const [path, size] = [this.#paths[row], this.#sizes[row]];
      const isSound = path && Number.isSafeInteger(size) && Number(size) >= 0;
      if (!isSound && (isThere[row] || others.has(row))) checkAdd({ path, size }, at(row));
    }
  }

  /** How many rows have an add action. */
  get count(): number {
    let count = 0;
    for (const path of this.#paths) if (path !== null) count++;
    return count;
  }

  /** The rows that have an add action. */
  *indices(): Generator<number, void> {
    for (let row = 0; row < this.rows; row++) if (this.#paths[row] !== null) yield row;
  }

  /** Whether the action in a row has more than a path, a size, a time and statistics. */
  hasOthers(row: number): boolean {
    return this.#others.has(row);
  }

  /** The `fileKey` of the action in a row. */
  keyAt(row: number): string {
    return this.#others.has(row) ? fileKey(this.at(row)) : (this.#paths[row] ?? '');
  }

  /** The add action in a row, a new object each time. */
  at(row: number): Add {
    const stats = this.#stats?.at(row) ?? undefined;
    const time = this.#times[row];
    const isChange = this.#changes[row];
    return {
      path: this.#paths[row] ?? undefined,
      partitionValues: {},
      size: this.#sizes[row],
      ...(Number.isNaN(time) ? {} : { modificationTime: time }),
      ...(isChange === undefined ? {} : { dataChange: isChange }),
      ...(stats === undefined ? {} : { stats }),
      ...this.#others.get(row),
    } as Add;
  }
}

/** The actions of a row group of a checkpoint. Its add actions are in `adds` or in `files`. */
export interface CheckpointPart extends Commit {
  readonly files?: FileRows | undefined;
  /** The row group as it is stored. It is set only if the row group has no actions but `files`. */
  readonly stored?: StoredRowGroup | undefined;
}

/** The add actions of a part. Each object is made when it is reached. */
export function* addsOf({ adds, files }: CheckpointPart): Generator<Add, void> {
  yield* adds;
  for (const row of files?.indices() ?? []) if (files) yield files.at(row);
}
