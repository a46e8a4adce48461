import type { Add } from '../delta/actions';
import { openSnapshot } from '../delta/openTable';
import { isSameEntry, positionOfState, type TablePosition } from '../delta/position';
import { columnsWithValues } from '../delta/readStatistics';
import { unwrittenColumns } from '../delta/schema';
import type { Snapshot } from '../delta/state';
import { isDamage } from '../errors';
import { planBins } from './planBins';
import { type MaintenanceTask, type NoTable, openForMaintenance } from './task';

/**
 * A plan for a compaction. It does not list the files: everyone who opens the pinned version with the same target size finds the same bins
 * with the same numbers. So a plan is small enough to be passed on.
 */
export interface CompactionPlan {
  /** The version whose files are in the bins. */
  readonly position: TablePosition;
  /** The target size of the new files, in bytes. */
  readonly targetBytes: number;
  /** How many bins there are. They are numbered from 0 on. */
  readonly bins: number;
}

/** The size of a table at a version. */
export interface TableFigures {
  readonly version: number;
  readonly files: number;
  readonly bytes: number;
  /** Files that compaction does not touch, whatever their size; missing if there are none. */
  readonly kept?: KeptFiles;
}

/** Files that have values in columns of types that are not written here, according to the log. */
export interface KeptFiles {
  readonly files: number;
  readonly columns: readonly string[];
}

/** A plan, together with the version that it is about. */
export interface OpenPlan {
  readonly plan: CompactionPlan;
  readonly snapshot: Snapshot;
  readonly bins: readonly (readonly Add[])[];
}

export type PlanOutcome = { readonly outcome: 'planned'; readonly opened: OpenPlan } | NoTable;

/** Plans a compaction of the newest version. */
export async function planCompaction(task: MaintenanceTask, targetBytes: number): Promise<PlanOutcome> {
  const snapshot = await openForMaintenance(task);
  return snapshot ? { outcome: 'planned', opened: planFor(snapshot, targetBytes) } : { outcome: 'no-table' };
}

/**
 * Opens a plan that was made earlier, perhaps by another process. Undefined if the log does not have its version any more, or has another
 * entry there because storage went back in time.
 */
export async function openPlan(task: MaintenanceTask, plan: CompactionPlan): Promise<OpenPlan | undefined> {
  const { tableId, version, mark } = plan.position;
  task.signal?.throwIfAborted();
  const snapshot = await openSnapshot(task.at, { version }).catch((error: unknown) => {
    if (!isDamage(error)) throw error;
    return undefined;
  });
  const isThere = snapshot?.metaData.id === tableId && isSameEntry(snapshot.mark, mark);
  return isThere ? planFor(snapshot, plan.targetBytes) : undefined;
}

export function figuresOf(snapshot: Snapshot): TableFigures {
  const { version, files } = snapshot;
  let bytes = 0;
  for (const { size } of files.values()) bytes += size;
  const kept = keptFiles(snapshot);
  return { version, files: files.size, bytes, ...(kept && { kept }) };
}

function planFor(snapshot: Snapshot, targetBytes: number): OpenPlan {
  const unwritten = unwrittenColumns(snapshot.fields);
  const files = [...snapshot.files.values()].filter((add) => columnsWithValues(add, unwritten).length === 0);
  const bins = planBins(files, targetBytes);
  return { plan: { position: positionOfState(snapshot), targetBytes, bins: bins.length }, snapshot, bins };
}

function keptFiles({ fields, files }: Snapshot): KeptFiles | undefined {
  const unwritten = unwrittenColumns(fields);
  if (unwritten.length === 0) return undefined;
  const columns = new Set<string>();
  let kept = 0;
  for (const add of files.values()) {
    const held = columnsWithValues(add, unwritten);
    if (held.length > 0) kept++;
    for (const name of held) columns.add(name);
  }
  return kept === 0 ? undefined : { files: kept, columns: [...columns] };
}
