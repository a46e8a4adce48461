import type { BackoffSteps } from '../backoff';
import { positionOfState, type TablePosition } from '../delta/position';
import { recordsOf } from '../delta/readStatistics';
import type { Snapshot } from '../delta/state';
import type { WarehouseTable } from '../streams/stream';
import { defaultLimits, type LoadLimits, readRows } from './deltaVersions';
import { loadCommits } from './loadCommits';
import { Overtaken } from './overtaken';
import { fillingPosition, parseFilling } from './shadow';
import type { UnloadedCommits } from './unloadedCommits';
import { fullName, type Warehouse } from './warehouse';

/** With at most this many commits to go, a shadow counts as near the end of the log, because a commit is loaded in well under a second. */
const fewCommits = 20;
/**
 * After this many steps a shadow also counts as near the end. If the log grows faster than the shadow can follow, it would otherwise never
 * get there.
 */
const maxStepsToHead = 100;

export interface ShadowOptions {
  readonly warehouse: Warehouse;
  readonly shadow: WarehouseTable;
  readonly signal: AbortSignal;
  readonly limits?: LoadLimits;
  /** The waits after loads that other processes overtook. */
  readonly backoff?: BackoffSteps;
}

/**
 * `taken`: the shadow is gone, because another process has used or dropped it. `overtaken`: loads are refused again and again, although the
 * shadow stays where it is. `unloadable`: the shadow can never become complete. `gone`: the missing data file, if that is the reason.
 */
export type ShadowStep =
  /** `position` is the position of the shadow according to the ledger. */
  | { readonly step: 'done'; readonly position: TablePosition }
  | { readonly step: 'taken' }
  | { readonly step: 'overtaken' }
  | { readonly step: 'stopped' }
  | { readonly step: 'unloadable'; readonly reason: string; readonly gone?: string };

export interface FillOptions extends ShadowOptions {
  /** The version with whose files the shadow is filled. */
  readonly snapshot: Snapshot;
  /** Called before each load. */
  readonly onProgress?: (progress: { files: number; of: number; version: number }) => void;
}

/** Loads the files of a version into a shadow. The shadow's row in the ledger counts the loaded files, so that any process can continue. */
export async function fillShadow(options: FillOptions): Promise<ShadowStep> {
  const { warehouse, shadow, snapshot, signal, limits = defaultLimits, onProgress } = options;
  // Every process must see the files in the same order, because the ledger only has the number of loaded files.
  const files = [...snapshot.files.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  const filled = positionOfState(snapshot);
  const overtaken = new Overtaken(signal, options.backoff);
  for (;;) {
    const position = (await warehouse.ledger()).get(fullName(shadow));
    if (!position) return { step: 'taken' };
    const done = parseFilling(position)?.files ?? files.length;
    onProgress?.({ files: done, of: files.length, version: snapshot.version });
    if (done >= files.length) return { step: 'done', position };
    if (signal.aborted) return { step: 'stopped' };
    let [end, rows, bytes] = [done, 0, 0];
    for (; end < files.length; end++) {
      const file = files[end];
      if (!file) break;
      rows += recordsOf(file) ?? 0;
      bytes += file.size;
      if (end > done && (rows > limits.rows || bytes > limits.bytes)) break;
    }
    const read = await readRows(snapshot, files.slice(done, end), shadow);
    if ('gone' in read)
      return { step: 'unloadable', reason: `data file ${read.gone} is gone`, gone: read.gone };
    const to = end === files.length ? filled : fillingPosition(filled, end);
    const outcome = await warehouse.load({ table: shadow, from: position, to, rows: read });
    if (outcome === 'loaded') overtaken.reset();
    else if (!(await overtaken.mayGoOn(position))) return { step: 'overtaken' };
  }
}

export interface FollowOptions extends ShadowOptions {
  /** The log after the shadow's position. */
  readonly commits: UnloadedCommits;
  /**
   * Stop at this version, if it is of the same table and the log has it. Otherwise, or if this is missing, stop when only few commits are
   * left.
   */
  readonly until?: TablePosition;
}

/** Loads the commits after the version of a filled shadow. */
export async function followLog(options: FollowOptions): Promise<ShadowStep> {
  const { warehouse, shadow, signal, commits, until } = options;
  const overtaken = new Overtaken(signal, options.backoff);
  for (let steps = 0; ; steps++) {
    const position = (await warehouse.ledger()).get(fullName(shadow));
    if (!position) return { step: 'taken' };
    // Only a version of the same table can be reached, so any other one is ignored.
    const goal = position.tableId === until?.tableId ? until : undefined;
    if (goal && position.version >= goal.version) return { step: 'done', position };
    if (signal.aborted) return { step: 'stopped' };
    const found = await commits.after(position);
    if (found.step === 'current') return { step: 'done', position };
    if (found.step !== 'commits')
      return { step: 'unloadable', reason: 'the log cannot be followed any more' };
    const loaded = await loadCommits({ ...options, table: shadow }, found, position);
    if (loaded.step === 'stopped') return { step: 'stopped' };
    if (loaded.step === 'unloadable') return loaded;
    if (loaded.step === 'overtaken') {
      if (!(await overtaken.mayGoOn(position))) return { step: 'overtaken' };
      continue;
    }
    overtaken.reset();
    const isNear = found.commits.length <= fewCommits || steps >= maxStepsToHead;
    if (!goal && isNear) return { step: 'done', position };
  }
}
