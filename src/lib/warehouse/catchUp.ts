import { isDeepStrictEqual } from 'node:util';
import type { BackoffSteps } from '../backoff';
import { positionOfState, type TablePosition } from '../delta/position';
import { TributaryError } from '../errors';
import { readLedgerPosition } from './ledgerPosition';
import { type LoadOptions, loadCommits } from './loadCommits';
import { describeUnfollowable } from './needsRebuild';
import { Overtaken } from './overtaken';
import { rebuild } from './rebuild';
import { parseReplacing } from './shadow';
import type { Unloaded, UnloadedCommits } from './unloadedCommits';
import { fullName } from './warehouse';

export interface CatchUpOptions extends LoadOptions {
  /** The table's log. Pass the same object to every call, so that each commit is read once. */
  readonly commits: UnloadedCommits;
  /**
   * The last known position of the table. If the log has nothing after it, the database is not asked at all. If the log has more and
   * `isContested` is set, because another process was faster the last time, the ledger is asked before rows are sent. `finding` is what was
   * found at that position. If the log still leads to the same finding, the database is not asked either.
   */
  readonly lastKnown?:
    | { readonly position: TablePosition; readonly isContested: boolean; readonly finding?: Finding }
    | undefined;
  /** The waits after loads that other processes overtook. */
  readonly backoff?: BackoffSteps;
}

/** `behind`: the time ended before everything was loaded. `needs-rebuild`: the log cannot be followed from the table's position. */
export type CaughtUp = { readonly state: 'current' | 'behind'; readonly version: number } | Finding;

/** Why nothing can be loaded. `head` is the end of the log, as far as it was read. */
export type Finding =
  | { readonly state: 'no-table' }
  | {
      readonly state: 'needs-rebuild';
      readonly version: number;
      readonly reason: string;
      readonly head: TablePosition;
    };

/**
 * Loads all commits after the ledger's position, in as few loads as the limits allow. Any number of processes may do so at once, because
 * the ledger lets only one of them through. It also handles two special cases: the first load of a log whose beginning was cleaned away,
 * and the replacement of a table that was interrupted.
 * @throws `warehouse.*`, `storage.*`, `delta.*`, `parquet.*`; no commit is half loaded, and the next call continues
 */
export async function catchUp(options: CatchUpOptions): Promise<CaughtUp> {
  const { warehouse, table, signal } = options;
  let { lastKnown } = options;
  let position = lastKnown?.position ?? (await readLedgerPosition(warehouse, table));
  const overtaken = new Overtaken(signal, options.backoff);
  for (;;) {
    options.onPosition?.(position);
    if (signal.aborted) return { state: 'behind', version: position.version };
    const next = await step(options, position, lastKnown);
    if (typeof next !== 'string' && 'state' in next) return next;
    if (next === 'overtaken') {
      if (!(await overtaken.mayGoOn(position))) throw turnedAway(options, position);
    } else overtaken.reset();
    if (typeof next === 'string') {
      lastKnown = undefined;
      position = await readLedgerPosition(warehouse, table);
    } else position = next;
  }
}

const turnedAway = ({ warehouse, table }: CatchUpOptions, { version }: TablePosition) =>
  new TributaryError(
    'warehouse.unavailable',
    `${warehouse.name}: the ledger says that ${fullName(table)} stands at version ${version}, but loads from there are turned away: another process changes its row in ops.load_ledger and takes that back.`,
  );

/** `ask` and `overtaken` mean that the ledger must be asked for the position of the table. */
type Next = CaughtUp | TablePosition | 'ask' | 'overtaken';

const needsRebuild = ({ version }: TablePosition, reason: string, head: TablePosition): Finding => ({
  state: 'needs-rebuild',
  ...{ version, reason, head },
});

/** The finding that nothing can be loaded; undefined if there is something to load. */
function findingOf(found: Unloaded | undefined, position: TablePosition): Finding | undefined {
  if (found?.step === 'no-table') return { state: 'no-table' };
  if (found?.step !== 'unfollowable' || position.tableId === '') return undefined;
  return needsRebuild(position, describeUnfollowable(found.because, position.version), found.head);
}

/** Whether a finding is the same as an earlier one. */
const isSameFinding = (one: Finding, other: Finding | undefined): boolean => isDeepStrictEqual(one, other);

/** @param lastKnown undefined if the position comes from the ledger */
async function step(
  options: CatchUpOptions,
  position: TablePosition,
  lastKnown: CatchUpOptions['lastKnown'],
): Promise<Next> {
  const { commits } = options;
  const { version } = position;
  const replacing = parseReplacing(position);
  const found = replacing ? undefined : await commits.after(position);
  if (found?.step === 'current') return { state: 'current', version };
  if (found?.step === 'commits' && !lastKnown?.isContested) {
    const next = await loadCommits(options, found, position);
    if (next.step === 'loaded') return next.position;
    if (next.step === 'overtaken') return 'overtaken';
    if (next.step === 'stopped') return { state: 'behind', version: next.position.version };
    commits.forget();
    const head = positionOfState(found.state);
    const unloadable = needsRebuild(next.position, next.reason, head);
    return !lastKnown || isSameFinding(unloadable, lastKnown.finding) ? unloadable : 'ask';
  }
  const finding = findingOf(found, position);
  if (finding && (!lastKnown || isSameFinding(finding, lastKnown.finding))) return finding;
  if (lastKnown) return 'ask';
  // There are two cases. If a shadow is taking the table's place, that is continued. Otherwise this is the first load of a log whose
  // beginning was cleaned away, and the live files are loaded.
  const { outcome } = await rebuild({ ...options, at: commits.at, continueOnly: replacing !== undefined });
  if (outcome === 'no-table') return { state: 'no-table' };
  return outcome === 'stopped' ? { state: 'behind', version } : 'ask';
}
