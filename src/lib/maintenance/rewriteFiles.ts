import type { Add } from '../delta/actions';
import { describeVersion } from '../delta/log';
import { encodeParquet, ParquetEncoder } from '../delta/parquet/encode';
import { type FileRows, readDataFile, readDataFileGroups } from '../delta/readDataFile';
import type { Field, Value } from '../delta/schema';
import type { Snapshot } from '../delta/state';
import { storeDataFile } from '../delta/writeDataFile';
import { TributaryError } from '../errors';

/** Rows are encoded when this many rows, or this many bytes of text, are waiting. This sets the peak of memory. */
const pendingRows = 65_536;
const pendingBytes = 32 * 1024 * 1024;
/** Files up to this size are read whole, several at once. */
const smallFile = 1024 * 1024;
const readAhead = 8;

/** Rows that wait to be encoded. */
interface Pending {
  readonly columns: Value[][];
  /** Where the rows of each file begin. */
  readonly sources: { readonly path: string; readonly start: number }[];
  bytes: number;
}

/** A file that was stored, with its bytes, in case storage loses it before it is committed. */
export interface RewrittenFile {
  readonly add: Add;
  readonly bytes: Uint8Array;
  /** How many of the files it was made of, which are the first ones. */
  readonly inputs: number;
}

export interface RewriteOptions {
  /** Aborting it ends the work with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Once it says true, no further file is read. The new file holds the rows of those that were read, of at least two. */
  readonly isTimeUp?: () => boolean;
}

/**
 * Reads live files row group by row group into one new file of the table's schema, and stores it. Columns that a file lacks are
 * null.
 * @throws `parquet.invalid`, `parquet.value` or `delta.invalid` naming the file that is gone, damaged or does not fit
 */
export async function rewriteFiles(
  snapshot: Snapshot,
  inputs: readonly Add[],
  { signal, isTimeUp = () => false }: RewriteOptions = {},
): Promise<RewrittenFile> {
  const { at, version, fields } = snapshot;
  const where = describeVersion(at, version);
  const encoder = new ParquetEncoder({ fields, where: `${where}, compaction` });
  const names = fields.map(({ name }) => name);
  const nothing = (): Pending => ({ columns: fields.map(() => []), sources: [], bytes: 0 });
  let pending = nothing();
  const flush = async () => {
    try {
      for (const _ of encoder.append(pending.columns)) await nextTurn();
    } catch (error) {
      throw blameFile(error, fields, where, pending);
    }
    pending = nothing();
  };
  let taken = inputs.length;
  let last = 0;
  for await (const { index, path, columns } of readInputs(snapshot, inputs, names)) {
    signal?.throwIfAborted();
    if (index > last && index >= 2 && isTimeUp()) {
      taken = index;
      break;
    }
    last = index;
    pending.sources.push({ path, start: pending.columns[0]?.length ?? 0 });
    for (const [index, name] of names.entries())
      pending.bytes += copyValues(columns.get(name) ?? [], pending.columns[index] ?? []);
    if ((pending.columns[0]?.length ?? 0) >= pendingRows || pending.bytes >= pendingBytes) await flush();
  }
  if ((pending.columns[0]?.length ?? 0) > 0) await flush();
  signal?.throwIfAborted();
  const encoded = encoder.finish();
  const add = await storeDataFile(at, fields, encoded, false);
  return { add, bytes: encoded.bytes, inputs: taken };
}

/** Rows of all files in their order. Small files are read whole and in advance, because one by one thousands would take minutes. */
async function* readInputs(snapshot: Snapshot, inputs: readonly Add[], names: readonly string[]) {
  const ahead = new Map<Add, Promise<FileRows>>();
  for (const [index, add] of inputs.entries()) {
    for (const near of inputs.slice(index, index + readAhead)) {
      if (near.size > smallFile || ahead.has(near)) continue;
      const reading = readDataFile(snapshot, near, names);
      // Each read is awaited in its turn. After a failure the others are not awaited, so their errors must be handled here.
      reading.catch(() => {});
      ahead.set(near, reading);
    }
    const { path } = add;
    const whole = ahead.get(add);
    if (whole) yield { index, path, ...(await whole) };
    else for await (const group of readDataFileGroups(snapshot, add, names)) yield { index, path, ...group };
    ahead.delete(add);
  }
}

/** Lets other work go on. */
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

/** Returns the number of bytes of text among the values. The encoder checks later that they fit the column. */
function copyValues(from: readonly unknown[], into: Value[]): number {
  let bytes = 0;
  for (const value of from) {
    if (typeof value === 'string' || value instanceof Uint8Array) bytes += value.length;
    into.push(value as Value);
  }
  return bytes;
}

/**
 * Finds the file of a value that cannot be encoded, by encoding file by file: the encoder's error only has the row among all rows.
 */
function blameFile(error: unknown, fields: readonly Field[], where: string, pending: Pending): unknown {
  if (!(error instanceof TributaryError) || error.code !== 'parquet.value') return error;
  for (const [index, { path, start }] of pending.sources.entries()) {
    const end = pending.sources[index + 1]?.start;
    const columns = pending.columns.map((values) => values.slice(start, end));
    try {
      encodeParquet({ fields, columns, where: `${where}, file ${path}` });
    } catch (found) {
      return found;
    }
  }
  return error;
}
