import type { Add } from '../delta/actions';
import type { Advance, TableFollower } from '../delta/follow';
import { effectOnRows } from '../delta/rowEffect';
import type { TableState } from '../delta/state';

/** If a fold is more commits behind than this, reading the table's live files reads less than reading each commit's files. */
export const mostBehind = 10_000;

/** The files with new rows that commits added, and the state after these commits. */
export interface NewFiles {
  readonly state: TableState;
  readonly adds: readonly Add[];
}

/**
 * Reads the commits up to the newest version.
 * @param found what the follower has just found
 * @param tableId id of the table whose rows were folded
 * @returns undefined if rows were removed, or the log cannot be followed: then the table must be folded anew
 */
export async function readNewFiles(
  follower: TableFollower,
  found: Advance,
  tableId: string,
): Promise<NewFiles | undefined> {
  const adds: Add[] = [];
  for (let next = found; ; next = await follower.advance()) {
    if (next.step === 'reopened' || next.step === 'no-table') return undefined;
    if (next.step === 'nothing-new') return { state: next.state, adds };
    for (const commit of next.commits) {
      const rows = effectOnRows(commit, tableId);
      if (rows.effect === 'rewrite') return undefined;
      if (rows.effect === 'append') adds.push(...rows.files);
    }
    if (next.atHead) return { state: next.state, adds };
  }
}
