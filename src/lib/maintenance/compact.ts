import { isDamage, TributaryError } from '../errors';
import { type BinOutcome, compactBin, sizeOf } from './compactBin';
import { planCompaction } from './planCompaction';
import type { MaintenanceTask, NoTable } from './task';

/** The target size of files if nothing else is asked for: 32 MiB. */
export const defaultTargetBytes = 32 * 1024 * 1024;

export interface CompactTask extends MaintenanceTask {
  /** The target size of the new files, in bytes. Files of at least half that size are left alone. */
  readonly targetBytes?: number;
  /** True to say what would be done, and do nothing. */
  readonly dryRun?: boolean;
}

export type CompactOutcome =
  | {
      readonly outcome: 'done';
      readonly version: number;
      readonly bins: readonly (BinOutcome | (Omit<BinOutcome, 'outcome'> & { outcome: 'planned' }))[];
    }
  | NoTable;

/**
 * Rewrites many small files as few large ones. It plans bins, and does one after the other. If one conflicts, the others still count. A
 * file that is gone or damaged stops only its own bin, and its error is thrown at the end.
 * @throws what compactBin throws
 */
export async function compact(task: CompactTask): Promise<CompactOutcome> {
  const { signal, progress, targetBytes = defaultTargetBytes, dryRun = false } = task;
  const planned = await planCompaction(task, targetBytes);
  if (planned.outcome === 'no-table') return planned;
  const { opened } = planned;
  const { version } = opened.snapshot;
  if (dryRun) {
    const bins = opened.bins.map((inputs) => ({ outcome: 'planned' as const, ...sizeOf(inputs) }));
    return { outcome: 'done', version, bins };
  }
  const bins: BinOutcome[] = [];
  let damage: TributaryError | undefined;
  try {
    for (let bin = 0; bin < opened.bins.length; bin++) {
      signal?.throwIfAborted();
      progress?.({ step: 'compact', done: bin, total: opened.bins.length });
      const found = await compactBin(task, opened, bin).catch(errorOfFile);
      if (found instanceof TributaryError) damage ??= found;
      else if (found.outcome === 'no-table') return found;
      else bins.push(found);
    }
  } catch (error) {
    // The time is over, but the damage is more important to report.
    throw damage && signal?.aborted ? damage : error;
  }
  if (damage) throw damage;
  progress?.({ step: 'compact', done: opened.bins.length, total: opened.bins.length });
  return { outcome: 'done', version: bins.at(-1)?.version ?? version, bins };
}

/** Returns the error if it is about a file of the bin only, so that the other bins can go on. Throws any other error again. */
function errorOfFile(error: unknown): TributaryError {
  const isOfFile = isDamage(error) || (error instanceof TributaryError && error.code === 'parquet.value');
  if (isOfFile) return error as TributaryError;
  throw error;
}
