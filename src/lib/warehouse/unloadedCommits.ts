import type { Commit } from '../delta/actions';
import { followState, type TableFollower } from '../delta/follow';
import type { TableLocation } from '../delta/log';
import {
  isSameEntry,
  positionOfState,
  type TablePosition,
  type UnfollowableBecause,
} from '../delta/position';
import type { TableState } from '../delta/state';

/** The commits after a position of the ledger, or why there are none. */
export type Unloaded =
  | {
      readonly step: 'commits';
      /** Ascending, without a gap, at least one. */
      readonly commits: readonly Commit[];
      /** The state after the last of these commits. The log may have more. */
      readonly state: TableState;
    }
  | { readonly step: 'current' }
  | { readonly step: 'no-table' }
  /** `head` is the end of the log that is there instead. */
  | { readonly step: 'unfollowable'; readonly because: UnfollowableBecause; readonly head: TablePosition };

/**
 * The commits of a table that a warehouse does not have yet. Each is read from the log only once, even if it is loaded in several steps or
 * another process loads meanwhile. It is for one loader, and one call at a time.
 */
export class UnloadedCommits {
  readonly at: TableLocation;
  readonly #follower: TableFollower;
  /** The commits that were read last, ascending, and the position before the first of them. */
  #read: { readonly from: TablePosition; readonly commits: readonly Commit[] } | undefined;

  constructor(at: TableLocation) {
    this.at = at;
    this.#follower = followState(at, { mostBehind: Number.POSITIVE_INFINITY });
  }

  /** The commits after a position. Throws what reading the log throws. */
  async after(position: TablePosition): Promise<Unloaded> {
    for (;;) {
      if (!this.#drop(position)) {
        this.#follower.seek(position);
        this.#read = { from: position, commits: [] };
      }
      const { state } = this.#follower;
      if (state && this.#read && this.#read.commits.length > 0)
        return { step: 'commits', state, commits: this.#read.commits };
      const found = await this.#follower.advance();
      if (found.step === 'commits') {
        const from = state ? positionOfState(state) : position;
        this.#read = { from, commits: found.commits };
      } else if (found.step === 'nothing-new' && this.#read?.from.version === position.version) {
        return { step: 'current' };
      } else {
        // The buffer is of another log than the position, so the next call reads from the position itself.
        const wasThere = this.#read?.from === position;
        this.#read = undefined;
        if (found.step === 'no-table') return found;
        if (found.step === 'reopened' && wasThere)
          return {
            step: 'unfollowable',
            because: found.because ?? 'made-again',
            head: positionOfState(found.state),
          };
      }
    }
  }

  /**
   * Drops the buffer, so that the next call reads the log again: the commits in it cannot be loaded, and the log may be another one by
   * then.
   */
  forget(): void {
    this.#read = undefined;
  }

  /**
   * Keeps only the commits after `position`. Returns false if the buffer cannot have them all. If another process has loaded past the end
   * of the buffer, empties it.
   */
  #drop({ tableId, version, mark }: TablePosition): boolean {
    if (!this.#read || !this.#follower.state) return false;
    const { from, commits } = this.#read;
    const end = positionOfState(this.#follower.state);
    // The ids may differ, because the commits in the buffer may give the table another id. The caller learns that from them.
    if (version === from.version)
      return (
        (tableId === '' || from.tableId === '' || tableId === from.tableId) && isSameEntry(from.mark, mark)
      );
    if (tableId !== '' && tableId !== end.tableId) return false;
    if (version > end.version) {
      this.#read = { from: end, commits: [] };
      return true;
    }
    const last = commits.findIndex((commit) => commit.version === version);
    if (last < 0 || !isSameEntry(commits[last]?.mark, mark)) return false;
    this.#read = { from: { tableId, version, mark }, commits: commits.slice(last + 1) };
    return true;
  }
}
