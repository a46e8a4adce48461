import { describeVersion, type TableLocation } from '../delta/log';
import { openSnapshot } from '../delta/openTable';
import { recordsOf } from '../delta/readStatistics';
import type { Snapshot } from '../delta/state';
import { TributaryError } from '../errors';
import { filesWith, scanRowGroups } from '../lake/scanRows';
import { nextTurn, rowsPerTurn } from '../nextTurn';
import { asMilliseconds, timeColumn } from './countFiles';
import type { Dimension } from './dimension';
import { asKey, type Key } from './keys';

/*
 * Counts by time are kept for a while only, and the longer ago, the coarser. What is older or finer is still in the table's rows. This
 * counts the rows of some times at one version of the table.
 */

/** A time, in milliseconds since 1970; `endMs` is no part of it. */
export interface Stretch {
  readonly fromMs: number;
  readonly endMs: number;
}

/** Rows that are to be counted. */
export interface TimeScan {
  /** They have no part in common. */
  readonly stretches: readonly Stretch[];
  /** Receives each row with a key: the index of the key, which is undefined if it is not counted on its own, and its time. */
  readonly add: (index: number | undefined, timeMs: number) => void;
}

/** A version of a table, and how its keys are numbered. */
export interface ScannedVersion {
  readonly at: TableLocation;
  readonly tableId: string;
  readonly version: number;
  readonly mark: string | undefined;
  readonly counted: Dimension;
  readonly indexOf: (key: Key) => number | undefined;
}

/** `too-many-rows`: nothing is known then, or not all. `rows` are those of the files that have rows of these times. */
export type ScanOutcome =
  | { readonly outcome: 'scanned' }
  | { readonly outcome: 'too-many-rows'; rows: number };

/**
 * Scans the files that may have rows of these times, according to their statistics, and of them the columns of key and time. A few row
 * groups are in memory at once, however much is scanned.
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
  const columns = [counted.key, timeColumn];
  try {
    await scanRowGroups({ state: snapshot, files, columns }, async (group) => {
      signal.throwIfAborted();
      // Other writers may leave out how many rows a file has.
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

/** The bounds in statistics are in microseconds, but they may be cut to whole milliseconds. */
const filesOf = (snapshot: Snapshot, stretches: readonly Stretch[]) =>
  filesWith(snapshot, timeColumn, ({ least, most }) => {
    const [leastMs, mostMs] = [least, most].map((micros) => Math.floor(Number(micros) / 1000));
    return stretches.some(({ fromMs, endMs }) => (leastMs ?? 0) < endMs && (mostMs ?? 0) >= fromMs);
  });
