import type { Add, Commit } from '../delta/actions';
import { commitAmongRivals } from '../delta/commit';
import { followSnapshot, type TableFollower } from '../delta/follow';
import { isStillInLog } from '../delta/position';
import type { Snapshot, TableState } from '../delta/state';
import { isDamage, TributaryError } from '../errors';
import { planBins } from './planBins';
import { type RewrittenFile, rewriteFiles } from './rewriteFiles';
import { ensureMaintainable, type MaintenanceTask, type NoTable } from './task';

const defaultTargetBytes = 32 * 1024 * 1024;

export interface CompactTask extends MaintenanceTask {
  /** The target size of the new files; by default 32 MiB. Files of at least half that size are left alone. */
  readonly targetBytes?: number;
  /** Says what would be done, and does nothing. */
  readonly dryRun?: boolean;
}

/** The outcome of one bin. `conflict`: one of its files was removed meanwhile, or the table changed its schema. */
export interface BinOutcome {
  readonly outcome: 'committed' | 'conflict' | 'planned';
  /** The version that holds the new file. */
  readonly version?: number;
  readonly inputs: number;
  readonly inputBytes: number;
  readonly outputBytes?: number;
}

export type CompactOutcome =
  | { readonly outcome: 'done'; readonly version: number; readonly bins: readonly BinOutcome[] }
  | NoTable;

/**
 * Rewrites many small files as few large ones. Each bin is a commit of its own that removes its files and adds the new
 * one, both with dataChange false, so that a stream reading the table sees no new rows. Appends go on meanwhile: a bin
 * conflicts only with a commit that removes one of its files or changes protocol or metaData, and then its other bins
 * still count. A new file whose commit conflicted is left to vacuum. A file that is gone or damaged stops only its own bin, and its
 * error is thrown at the end.
 * @throws `parquet.invalid`, `parquet.value` or `delta.invalid` naming the file; `delta.unsupported`, `delta.contention`
 */
export async function compact(task: CompactTask): Promise<CompactOutcome> {
  const { signal, progress, targetBytes = defaultTargetBytes } = task;
  const follower = followSnapshot(task.at);
  signal?.throwIfAborted();
  const snapshot = await follower.toHead();
  if (!snapshot) return { outcome: 'no-table' };
  ensureMaintainable(snapshot);
  const plan = planBins([...snapshot.files.values()], targetBytes);
  const bins: BinOutcome[] = [];
  let damage: TributaryError | undefined;
  try {
    for (const [done, inputs] of plan.entries()) {
      signal?.throwIfAborted();
      progress?.({ step: 'compact', done, total: plan.length });
      const found = await compactBin(task, follower, inputs);
      if (found === 'no-table') return { outcome: 'no-table' };
      if (found instanceof TributaryError) damage ??= found;
      else bins.push({ ...found, ...sizeOf(inputs) });
    }
  } catch (error) {
    // The time is over, but report the damage and not the end of the time.
    throw damage && signal?.aborted ? damage : error;
  }
  if (damage) throw damage;
  progress?.({ step: 'compact', done: plan.length, total: plan.length });
  const { version } = follower.state ?? snapshot;
  return { outcome: 'done', version: bins.at(-1)?.version ?? version, bins };
}

const sizeOf = (inputs: readonly Add[]) => ({
  inputs: inputs.length,
  inputBytes: inputs.reduce((sum, { size }) => sum + size, 0),
});

/** Rewrites one bin. If one of its files is gone or damaged, the error is returned as a value. */
async function compactBin(
  { signal, targetBytes = defaultTargetBytes, dryRun }: CompactTask,
  follower: TableFollower<Snapshot>,
  inputs: readonly Add[],
): Promise<Omit<BinOutcome, 'inputs' | 'inputBytes'> | TributaryError | 'no-table'> {
  if (dryRun) return { outcome: 'planned' };
  // Commits during the previous bin may have removed files of this one, or changed the table's rules.
  const snapshot = await follower.toHead();
  if (!snapshot) return 'no-table';
  ensureMaintainable(snapshot);
  if (!inputs.every(({ path }) => snapshot.files.has(path))) return { outcome: 'conflict' };
  const output = await rewriteFiles(snapshot, inputs, signal).catch((error: unknown) => {
    if (isFileDamage(error)) return error;
    throw error;
  });
  if (output instanceof TributaryError) return output;
  const done = await commitBin(withoutFiles(snapshot), inputs, output, targetBytes);
  const version = done.outcome === 'committed' ? { version: done.state.version } : {};
  return { outcome: done.outcome, ...version, outputBytes: output.add.size };
}

/** The state that a commit is made on, without files, because a state with files is copied whenever another commit comes. */
function withoutFiles({ files: _files, tombstones: _tombstones, ...state }: Snapshot): TableState {
  return state;
}

/** Returns an error that is about a file of the bin only, so that the other bins can go on. */
const isFileDamage = (error: unknown): error is TributaryError =>
  isDamage(error) || (error instanceof TributaryError && error.code === 'parquet.value');

async function commitBin(
  state: TableState,
  inputs: readonly Add[],
  { add: output, bytes }: RewrittenFile,
  targetBytes: number,
) {
  const { store, table } = state.at;
  const path = `${table}/${output.path}`;
  // Reading and writing the rows took a while, in which storage may have gone back in time.
  if (!(await store.getRange(path, 0, 1)) || !(await isStillInLog(state)))
    return { outcome: 'conflict' as const, state };
  const done = await commitOutput(state, inputs, output, targetBytes);
  // So may the commit have taken: without its file the rows would be gone, for nothing reads them from the hub again.
  if (done.outcome === 'committed' && !(await store.getRange(path, 0, 1))) await store.put(path, bytes);
  return done;
}

function commitOutput(state: TableState, inputs: readonly Add[], output: Add, targetBytes: number) {
  const deletionTimestamp = Date.now();
  const paths = new Set(inputs.map(({ path }) => path));
  const removes = inputs.map(({ path, partitionValues, size }) => ({
    remove: { path, deletionTimestamp, dataChange: false, extendedFileMetadata: true, partitionValues, size },
  }));
  return commitAmongRivals({
    state,
    actions: [...removes, { add: output }],
    description: {
      operation: 'OPTIMIZE',
      operationParameters: { predicate: '[]', targetSize: String(targetBytes) },
      operationMetrics: {
        numRemovedFiles: String(inputs.length),
        numRemovedBytes: String(inputs.reduce((sum, { size }) => sum + size, 0)),
        numAddedFiles: '1',
        numAddedBytes: String(output.size),
      },
      isBlindAppend: false,
    },
    conflictsWith: (rival: Commit) =>
      rival.protocol !== undefined ||
      rival.metaData !== undefined ||
      [...rival.removes, ...rival.adds].some(({ path }) => paths.has(path)),
  });
}
