import { readLedgerPosition } from './ledgerPosition';
import { type LoadOptions, loadCommits } from './loadCommits';
import { describeUnfollowable } from './needsRebuild';
import { rebuild } from './rebuild';
import { parseReplacing } from './shadow';
import type { UnloadedCommits } from './unloadedCommits';

export interface CatchUpOptions extends LoadOptions {
  /** The table's log. Pass the same object to every call, so that each commit is read once. */
  readonly commits: UnloadedCommits;
}

/** `behind`: the time ended before all was loaded. `needs-rebuild`: the log cannot be followed from the table's position. */
export type CaughtUp =
  | { readonly state: 'current' | 'behind'; readonly version: number }
  | { readonly state: 'no-table' }
  | { readonly state: 'needs-rebuild'; readonly version: number; readonly reason: string };

/**
 * Loads all commits after the ledger's position, in as few loads as the limits allow. Any number of processes may do so at once,
 * because the ledger lets only one of them through. It also handles a first load of a log whose beginning was cleaned away, and an
 * interrupted swap.
 * @throws `warehouse.*`, `storage.*`, `delta.*`, `parquet.*`; no commit is half loaded, and the next call continues
 */
export async function catchUp(options: CatchUpOptions): Promise<CaughtUp> {
  const { warehouse, commits, table, signal } = options;
  let position = await readLedgerPosition(warehouse, table);
  for (;;) {
    options.onPosition?.(position);
    if (signal.aborted) return { state: 'behind', version: position.version };
    const replacing = parseReplacing(position);
    const found = replacing ? undefined : await commits.after(position);
    if (found?.step === 'no-table') return { state: 'no-table' };
    if (found?.step === 'current') return { state: 'current', version: position.version };
    if (found?.step === 'unfollowable' && position.tableId !== '')
      return {
        state: 'needs-rebuild',
        version: position.version,
        reason: describeUnfollowable(found.because, position.version),
      };
    if (found?.step === 'commits') {
      const next = await loadCommits(options, found, position);
      if (next.step === 'stopped') return { state: 'behind', version: next.position.version };
      if (next.step === 'unloadable') {
        commits.forget();
        return { state: 'needs-rebuild', version: next.position.version, reason: next.reason };
      }
      position = next.step === 'loaded' ? next.position : await readLedgerPosition(warehouse, table);
      continue;
    }
    // Either go on with a shadow that takes the table's place, or, on the first load of a log whose beginning was cleaned away, load
    // the live files.
    const { outcome } = await rebuild({ ...options, at: commits.at, continueOnly: replacing !== undefined });
    if (outcome === 'no-table') return { state: 'no-table' };
    if (outcome === 'stopped') return { state: 'behind', version: position.version };
    position = await readLedgerPosition(warehouse, table);
  }
}
