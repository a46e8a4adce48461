import { markOf } from './actions';
import { commitPath, type TableLocation } from './log';
import type { TableState } from './state';

/**
 * A position in the log of a table. The version alone is not enough: a log can be deleted and made again, and after a store went
 * back in time, other commits may get the same version numbers.
 */
export interface TablePosition {
  /** The metaData.id of the table; empty if it is not known yet. */
  readonly tableId: string;
  /** The last version that counts as read; -1 before the first. */
  readonly version: number;
  /** The mark of that version's log entry. If it is unknown, it is undefined, and any entry of that version is accepted. */
  readonly mark: string | undefined;
}

/** The position before the first version of any table. */
export const beginning: TablePosition = { tableId: '', version: -1, mark: undefined };

export const positionOfState = ({ metaData, version, mark }: TableState): TablePosition => ({
  tableId: metaData.id,
  version,
  mark,
});

/**
 * True if `mark` is unknown, or equals the mark found in the log. (A known mark never equals a missing entry.)
 * @param there the mark found in the log; undefined if the log does not hold such an entry
 */
export const isSameEntry = (there: string | undefined, mark: string | undefined): boolean =>
  mark === undefined || there === mark;

/** Why a log cannot be followed from a position. */
export type UnfollowableBecause = 'made-again' | 'rolled-back' | 'cleaned' | 'too-far' | 'damaged';

/**
 * Why the log cannot be followed from a position; undefined if it can. It checks only the table id, this version's entry and, if that is
 * missing, the next one.
 * @param head the newest version
 */
export async function whyUnfollowable(
  head: TableState,
  { tableId, version, mark }: TablePosition,
): Promise<UnfollowableBecause | undefined> {
  if (tableId !== '' && tableId !== head.metaData.id) return 'made-again';
  if (version > head.version) return 'rolled-back';
  const there = version < 0 ? undefined : await readMark(head.at, version);
  if (!isSameEntry(there, mark)) return there === undefined ? 'cleaned' : 'rolled-back';
  const isCleaned = there === undefined && version < head.version && !(await readMark(head.at, version + 1));
  return isCleaned ? 'cleaned' : undefined;
}

/**
 * Whether the log still holds the entries that a state is based on: the entry of its version, and the entry it was reached from. If
 * our own commit landed above a hole, its entry is there but the entry it was built on is gone. So both are checked.
 */
export async function isStillInLog({ at, version, mark, reachedFrom }: TableState): Promise<boolean> {
  const [here, before] = await Promise.all([
    mark === undefined ? undefined : readMark(at, version),
    reachedFrom && readMark(at, reachedFrom.version),
  ]);
  return isSameEntry(here, mark) && isSameEntry(before, reachedFrom?.mark);
}

/** The mark of a version's log entry; undefined if the log does not hold it. */
export async function readMark(
  { store, table }: TableLocation,
  version: number,
): Promise<string | undefined> {
  const found = await store.get(commitPath(table, version));
  return found && markOf(found.bytes);
}
