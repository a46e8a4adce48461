import type { Add } from '../delta/actions';
import type { ReadValue } from '../delta/schema';
import type { TableState } from '../delta/state';
import { enqueuedAtColumn } from '../lake/rowAddress';
import { type FileProgress, scanRows } from '../lake/scanRows';
import type { Dimension } from './dimension';
import { asKey, type Key } from './keys';
import { type Room, Tally } from './tally';

export interface FilesToScan {
  /** The table that the files belong to. Errors name its version. */
  readonly state: TableState;
  readonly adds: Iterable<Add>;
  readonly counted: Dimension;
  /** Aborting it ends the scan with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  readonly onFile?: FileProgress | undefined;
}

export interface FilesToCount extends FilesToScan {
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  readonly room: Room;
}

const noRoom = Symbol('There is no room for one more key.');

/**
 * Counts the rows of data files. Reads only the needed columns, several files at once, one row group at a time. After the first
 * failure no further read begins, and the failure is thrown when the reads under way have ended.
 * @returns `no-room` if the files have more keys than there is room for
 * @throws `parquet.invalid`, naming table, version and file, if a file is gone or damaged; the signal's reason
 */
export async function countFiles(files: FilesToCount): Promise<Tally | 'no-room'> {
  const { state, adds, counted, nowMs, room, onFile } = files;
  const tally = new Tally(nowMs, room);
  const { key, attribute } = counted;
  const columns = [key, enqueuedAtColumn, ...(attribute === undefined ? [] : [attribute])];
  const look = watch(files.signal);
  try {
    await scanRows({ state, files: adds, columns, onFile }, ([value, time, ofKey]) => {
      look();
      const counts = asKey(value);
      if (counts !== null && !tally.add(counts, asKey(ofKey), asMilliseconds(time))) throw noRoom;
    });
  } catch (error) {
    if (error === noRoom) return 'no-room';
    throw error;
  }
  return tally;
}

/** Passes the key of every row of data files to `visit`. Throws what `countFiles` throws. */
export async function scanKeys(
  { state, adds, counted, signal }: FilesToScan,
  visit: (key: Key) => void,
): Promise<void> {
  const look = watch(signal);
  await scanRows({ state, files: adds, columns: [counted.key] }, ([value]) => {
    look();
    const key = asKey(value);
    if (key !== null) visit(key);
  });
}

/** A function to call for every row. Soon after the signal is aborted, it throws the signal's reason. */
function watch(signal: AbortSignal | undefined): () => void {
  let rows = 0;
  return () => {
    if (signal && ++rows % 4096 === 0) signal.throwIfAborted();
  };
}

/** A value of the time column in milliseconds since 1970; NaN if there is none. */
export const asMilliseconds = (micros: ReadValue | undefined): number =>
  typeof micros === 'number' || typeof micros === 'bigint' ? Math.floor(Number(micros) / 1000) : Number.NaN;
