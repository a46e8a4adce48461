import type { Add, Commit } from '../delta/actions';
import { commitAmongRivals } from '../delta/commit';
import { followSnapshot } from '../delta/follow';
import { isStillInLog } from '../delta/position';
import { readAhead, readCommitsAfter } from '../delta/readCommits';
import type { Snapshot, TableState } from '../delta/state';
import { discardDataFile, orDiscard } from '../delta/writeDataFile';
import { isDamage } from '../errors';
import type { OpenPlan } from './planCompaction';
import { type RewrittenFile, rewriteFiles } from './rewriteFiles';
import { ensureMaintainable, type MaintenanceTask, type NoTable } from './task';

export interface BinTask extends MaintenanceTask {
  /**
   * Asked before each file. Once it returns true, no further file is read. The files that were read are committed, and the outcome says
   * `more`. At least two files are read, so that a bin makes progress in whatever time it is given.
   */
  readonly isTimeUp?: () => boolean;
}

/** The outcome of one bin. */
export interface BinOutcome {
  /**
   * `conflict`: its files were removed meanwhile, or the table's schema changed. `kept`: nothing was rewritten, because its files have
   * values in columns of types that are not written here.
   */
  readonly outcome: 'committed' | 'conflict' | 'kept';
  /** The version that has the new file. */
  readonly version?: number;
  /** How many files were rewritten, or would have been. */
  readonly inputs: number;
  readonly inputBytes: number;
  readonly outputBytes?: number;
  /** Set if the time was up before all files were rewritten. Doing the same bin again does the rest. */
  readonly more?: true;
}

/**
 * Rewrites the files of one bin of a plan as one file. One commit removes them and adds the new file, both with dataChange false, so that a
 * stream which reads the table sees no new rows. Appends go on meanwhile. The commit conflicts only with one that removes one of the bin's
 * files, or that changes protocol or metaData. If it was sent and conflicted, the new file is left to vacuum.
 *
 * A bin can be done any number of times, by any number of processes: only files that are still live are rewritten, and of two commits that
 * remove the same file one conflicts. If an earlier try committed the bin, and only its result was lost, that commit is found.
 * @throws `parquet.invalid`, `parquet.value` or `delta.invalid` naming the file that is gone or damaged; `delta.unsupported`,
 * `delta.contention`
 */
export async function compactBin(
  task: BinTask,
  opened: OpenPlan,
  bin: number,
): Promise<BinOutcome | NoTable> {
  const planned = opened.bins[bin] ?? [];
  const follower = followSnapshot(task.at);
  follower.standAt(opened.snapshot);
  const snapshot = await follower.toHead();
  if (!snapshot) return { outcome: 'no-table' };
  ensureMaintainable(snapshot);
  const inputs = planned.filter(({ path }) => snapshot.files.has(path));
  if (inputs.length < 2)
    return (await findEarlierCommit(opened.snapshot, snapshot, planned)) ?? conflictOf(planned);
  const { output, taken, kept } = await rewriteFiles(snapshot, inputs, task);
  if (!output)
    return (
      (await findEarlierCommit(opened.snapshot, snapshot, planned)) ?? { outcome: 'kept', ...sizeOf(kept) }
    );
  const done = await commitBin(withoutFiles(snapshot), taken, output, opened.plan.targetBytes);
  const more = taken.length + kept.length < inputs.length && { more: true as const };
  if (done.outcome === 'conflict') return { ...conflictOf(taken), outputBytes: output.add.size, ...more };
  return { ...committedOf(done.state.version, taken, output.add), ...more };
}

const conflictOf = (inputs: readonly Add[]): BinOutcome => ({ outcome: 'conflict', ...sizeOf(inputs) });

const committedOf = (version: number, inputs: readonly Add[], output: Add): BinOutcome => ({
  outcome: 'committed',
  version,
  ...sizeOf(inputs),
  outputBytes: output.size,
});

export const sizeOf = (inputs: readonly Pick<Add, 'size'>[]) => ({
  inputs: inputs.length,
  inputBytes: inputs.reduce((sum, { size }) => sum + size, 0),
});

/** The newest commit after the plan's version that replaced only files of the bin by one file. Undefined if there is none. */
async function findEarlierCommit(
  { at, version: planVersion }: Snapshot,
  { version: head }: Snapshot,
  planned: readonly Add[],
): Promise<BinOutcome | undefined> {
  const byPath = new Map(planned.map((add) => [add.path, add]));
  // If a part of the log is gone, the commit cannot be found. That only makes a figure less exact.
  const commits = await readCommitsAfter(at, planVersion, head, readAhead).catch((error: unknown) => {
    if (!isDamage(error)) throw error;
    return [];
  });
  for (const { version, adds, removes } of commits.toReversed()) {
    const [output, another] = adds;
    const replaced = removes.map(({ path }) => byPath.get(path));
    const isOurs = replaced.length > 1 && output?.dataChange === false && !another;
    if (isOurs && replaced.every((add) => add !== undefined)) return committedOf(version, replaced, output);
  }
  return undefined;
}

/** The state on which a commit is made. It has no files, because a state with files is copied for each commit that comes in between. */
function withoutFiles({ files: _files, tombstones: _tombstones, ...state }: Snapshot): TableState {
  return state;
}

async function commitBin(
  state: TableState,
  inputs: readonly Add[],
  { add: output, bytes }: RewrittenFile,
  targetBytes: number,
) {
  const { store, table } = state.at;
  const path = `${table}/${output.path}`;
  // Reading and writing the rows took a while. Storage may have gone back in time meanwhile.
  const isSound = async () => (await store.getRange(path, 0, 1)) !== undefined && isStillInLog(state);
  if (!(await orDiscard(state.at, output, isSound))) {
    await discardDataFile(state.at, output);
    return { outcome: 'conflict' as const, state };
  }
  const done = await commitOutput(state, inputs, output, targetBytes);
  // The commit may have taken a while as well. If storage lost the file, the rows would be gone, because nothing reads them from the hub
  // again.
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
