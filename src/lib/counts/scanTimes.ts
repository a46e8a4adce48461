import { describeVersion, type TableLocation } from '../delta/log';
import { openSnapshot } from '../delta/openTable';
import { recordsOf } from '../delta/readStatistics';
import type { Snapshot } from '../delta/state';
import { TributaryError } from '../errors';
import { enqueuedAtColumn } from '../lake/rowAddress';
import { filesWith, scanRowGroups } from '../lake/scanRows';
import { nextTurn, rowsPerTurn } from '../nextTurn';
import { asMilliseconds } from './countFiles';
import type { Dimension } from './dimension';
import { asKey, type Key } from './keys';

/*
 * Counts the rows of certain times at one version of the table. Counts by time are kept only for a while, and the older they are, the
 * coarser they are. But older and finer counts can still be found in the table's rows.
 */

/** A time, in milliseconds since 1970; `endMs` is no part of it. */
export interface Stretch {
  readonly fromMs: number;
  readonly endMs: number;
}

/** The rows that a scan counts, and where it puts them. */
export interface TimeScan {
  /** The times of the rows. They do not overlap. */
  readonly stretches: readonly Stretch[];
  /**
   * Receives each row that has a key: the index of the key, which is undefined if the key is not counted on its own, and the row's time.
   */
  readonly add: (index: number | undefined, timeMs: number) => void;
}

/** The version of a table to scan, and the indexes of its keys. */
export interface ScannedVersion {
  readonly at: TableLocation;
  readonly tableId: string;
  readonly version: number;
  readonly mark: string | undefined;
  readonly counted: Dimension;
  readonly indexOf: (key: Key) => number | undefined;
}

/**
 * After `too-many-rows` none, or not all, of the rows were counted. `rows` is the number of rows in the files that may have rows of these
 * times.
 */
export type ScanOutcome =
  | { readonly outcome: 'scanned' }
  | { readonly outcome: 'too-many-rows'; rows: number };

/**
 * Scans the files that may have rows of these times, according to their statistics. Of these files, it reads the columns of key and time.
 * Only a few row groups are in memory at once, however much is scanned.
 * @param mostRows the most rows that these files may have
 * @throws the signal's reason; `delta.contention` if the version is not the one that was counted; what opening the table throws, and
 * `parquet.invalid` for a file that is gone or damaged
 */
export async function scanTimes(
  { at, tableId, version, mark, counted, indexOf }: ScannedVersion,
  { stretches, add }: TimeScan,
  { mostRows, signal }: { readonly mostRows: number; readonly signal: AbortSignal },
): Promise<ScanOutcome> {
  const snapshot = await openSnapshot(at, { version });
  if (snapshot?.mark !== mark || snapshot?.metaData.id !== tableId)
    throw new TributaryError(
      'delta.contention',
      `${describeVersion(at, version)} is not the version that was counted: storage went back in time meanwhile.`,
    );
  const files = filesOf(snapshot, stretches);
  const told = files.reduce((sum, file) => sum + (recordsOf(file) ?? 0), 0);
  if (told > mostRows) return { outcome: 'too-many-rows', rows: told };
  let seen = 0;
  const columns = [counted.key, enqueuedAtColumn];
  try {
    await scanRowGroups({ state: snapshot, files, columns }, async (group) => {
      signal.throwIfAborted();
      // The statistics of other writers may not say how many rows a file has, so rows are counted here as well.
      seen += group.numRecords;
      if (seen > mostRows) throw tooMany;
      const [keys = [], times = []] = columns.map((name) => group.columns.get(name));
      for (let row = 0; row < group.numRecords; row++) {
        if (row > 0 && row % rowsPerTurn === 0) {
          await nextTurn();
          signal.throwIfAborted();
        }
        const timeMs = asMilliseconds(times[row]);
        if (!stretches.some(({ fromMs, endMs }) => timeMs >= fromMs && timeMs < endMs)) continue;
        const key = asKey(keys[row]);
        if (key !== null) add(indexOf(key), timeMs);
      }
    });
  } catch (error) {
    if (error === tooMany) return { outcome: 'too-many-rows', rows: seen };
    throw error;
  }
  return { outcome: 'scanned' };
}

const tooMany = Symbol('The files have too many rows.');

/** The files that may have rows of these times. The bounds in statistics are in microseconds, but may be cut to whole milliseconds. */
const filesOf = (snapshot: Snapshot, stretches: readonly Stretch[]) =>
  filesWith(snapshot, enqueuedAtColumn, ({ least, most }) => {
    const [leastMs, mostMs] = [least, most].map((micros) => Math.floor(Number(micros) / 1000));
    return stretches.some(({ fromMs, endMs }) => (leastMs ?? 0) < endMs && (mostMs ?? 0) >= fromMs);
  });
