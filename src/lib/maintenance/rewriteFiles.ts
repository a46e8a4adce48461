import type { Add } from '../delta/actions';
import { ColumnBuilder } from '../delta/columnBuilder';
import { describeVersion } from '../delta/log';
import { encodeParquet, ParquetEncoder } from '../delta/parquet/encode';
import { type FileRows, readDataFile, readDataFileGroups } from '../delta/readDataFile';
import { type Field, isReadableType, isWritableType, unwrittenColumns, type Value } from '../delta/schema';
import type { Snapshot } from '../delta/state';
import { storeDataFile } from '../delta/writeDataFile';
import { TributaryError } from '../errors';
import { nextTurn } from '../nextTurn';

/** Rows are encoded as soon as this many rows, or this many bytes of text, are waiting. This determines the peak of memory. */
const pendingRows = 65_536;
const pendingBytes = 32 * 1024 * 1024;
/** Files up to this size, in bytes, are read whole, several at once. */
const smallFile = 1024 * 1024;
const readAhead = 8;

/** Rows that wait to be encoded. */
interface Pending {
  readonly columns: readonly ColumnBuilder[];
  /** For each file, the index of its first row. */
  readonly sources: { readonly path: string; readonly start: number }[];
  bytes: number;
}

/** A file that was stored, with its bytes, in case storage loses it before it is committed. */
export interface RewrittenFile {
  readonly add: Add;
  readonly bytes: Uint8Array;
}

export interface Rewriting {
  /** Undefined if fewer than two files could be rewritten. */
  readonly output: RewrittenFile | undefined;
  /** The files that it was made of. */
  readonly taken: readonly Add[];
  /** Files that stay as they are, because they have values in columns of types that are not written. */
  readonly kept: readonly Add[];
}

export interface RewriteOptions {
  /** Aborting it ends the work with the signal's reason. */
  readonly signal?: AbortSignal;
  /**
   * Asked before each file. Once it returns true, no further file is read, and the new file has the rows of those that were. At least two
   * are read.
   */
  readonly isTimeUp?: () => boolean;
}

/**
 * Reads live files row group by row group into one new file of the table's schema, and stores it. Columns that a file lacks are
 * null. Columns of types that are not written are left out, which readers take for nulls.
 * @throws `parquet.invalid`, `parquet.value` or `delta.invalid` naming the file that is gone, damaged or does not fit
 */
export async function rewriteFiles(
  snapshot: Snapshot,
  inputs: readonly Add[],
  { signal, isTimeUp = () => false }: RewriteOptions = {},
): Promise<Rewriting> {
  const { at, version } = snapshot;
  const where = describeVersion(at, version);
  const fields = snapshot.fields.filter(({ type }) => isWritableType(type));
  const encoder = new ParquetEncoder({ fields, where: `${where}, compaction` });
  const nothing = (): Pending => ({
    columns: fields.map(({ type }) => new ColumnBuilder(type)),
    sources: [],
    bytes: 0,
  });
  let pending = nothing();
  const flush = async () => {
    try {
      for (const _ of encoder.append(pending.columns.map((column) => column.finish()))) await nextTurn();
    } catch (error) {
      throw blameFile(error, fields, where, pending);
    }
    pending = nothing();
  };
  const taken: Add[] = [];
  const kept: Add[] = [];
  for await (const { add, columns } of readInputs(snapshot, inputs, kept)) {
    signal?.throwIfAborted();
    if (add !== taken.at(-1)) {
      if (taken.length >= 2 && isTimeUp()) break;
      taken.push(add);
    }
    pending.sources.push({ path: add.path, start: pending.columns[0]?.length ?? 0 });
    for (const [index, { name }] of fields.entries())
      pending.bytes += copyValues(columns.get(name) ?? [], pending.columns[index]);
    if ((pending.columns[0]?.length ?? 0) >= pendingRows || pending.bytes >= pendingBytes) await flush();
  }
  if (taken.length < 2) return { output: undefined, taken, kept };
  if ((pending.columns[0]?.length ?? 0) > 0) await flush();
  signal?.throwIfAborted();
  const encoded = encoder.finish();
  const add = await storeDataFile(at, fields, encoded, false);
  return { output: { add, bytes: encoded.bytes }, taken, kept };
}

/**
 * The rows of the files in their order. A file with values in a column that is not written goes to `kept` instead. Small files are read
 * whole and in advance, because reading thousands of them one by one would take minutes.
 */
async function* readInputs(snapshot: Snapshot, inputs: readonly Add[], kept: Add[]) {
  const names = snapshot.fields.filter(({ type }) => isReadableType(type)).map(({ name }) => name);
  const unreadable = snapshot.fields.flatMap(({ name }) => (names.includes(name) ? [] : [name]));
  const unwritten = unwrittenColumns(snapshot.fields).filter((name) => names.includes(name));
  const ahead = new Map<Add, Promise<FileRows>>();
  for (const [index, add] of inputs.entries()) {
    for (const near of inputs.slice(index, index + readAhead)) {
      if (near.size > smallFile || ahead.has(near)) continue;
      const reading = readDataFile(snapshot, near, names);
      // Each read is awaited in its turn. After a failure the later ones are not awaited, so their errors must be handled here.
      reading.catch(() => {});
      ahead.set(near, reading);
    }
    const whole = await ahead.get(add);
    ahead.delete(add);
    if (await hasUnreadable(snapshot, add, unreadable)) kept.push(add);
    else if (whole ? hasValues(whole, unwritten) : await holdsValues(snapshot, add, unwritten))
      kept.push(add);
    else if (whole) yield { add, ...whole };
    else for await (const group of readDataFileGroups(snapshot, add, names)) yield { add, ...group };
  }
}

/** Whether a large file has values in these columns. It reads only these columns. */
async function holdsValues(snapshot: Snapshot, add: Add, names: readonly string[]): Promise<boolean> {
  if (names.length === 0) return false;
  for await (const group of readDataFileGroups(snapshot, add, names))
    if (hasValues(group, names)) return true;
  return false;
}

/** Whether a file has one of these columns. Their types are not implemented, so it is not known whether there are values in them. */
async function hasUnreadable(snapshot: Snapshot, add: Add, names: readonly string[]): Promise<boolean> {
  if (names.length === 0) return false;
  try {
    await readDataFile(snapshot, add, names);
    return false;
  } catch (error) {
    if (error instanceof TributaryError && error.code === 'delta.unsupported') return true;
    throw error;
  }
}

const hasValues = ({ columns }: FileRows, names: readonly string[]): boolean =>
  names.some((name) => columns.get(name)?.some((value) => value !== null));

/** Returns the number of bytes of text among the values. The encoder checks later that they fit the column. */
function copyValues(from: readonly unknown[], into: ColumnBuilder | undefined): number {
  let bytes = 0;
  for (const value of from) {
    if (typeof value === 'string' || value instanceof Uint8Array) bytes += value.length;
    into?.push(value as Value);
  }
  return bytes;
}

/**
 * Finds the file with a value that cannot be encoded, by encoding file by file. The encoder's error only has the number of the row among
 * all rows.
 */
function blameFile(error: unknown, fields: readonly Field[], where: string, pending: Pending): unknown {
  if (!(error instanceof TributaryError) || error.code !== 'parquet.value') return error;
  for (const [index, { path, start }] of pending.sources.entries()) {
    const end = pending.sources[index + 1]?.start;
    const columns = pending.columns.map((column, at) => {
      const part = new ColumnBuilder(fields[at]?.type ?? 'string');
      part.append(column.finish(), start, end ?? column.length);
      return part.finish();
    });
    try {
      encodeParquet({ fields, columns, where: `${where}, file ${path}` });
    } catch (found) {
      return found;
    }
  }
  return error;
}
