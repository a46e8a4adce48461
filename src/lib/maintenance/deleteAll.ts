import { inParallel } from '../inParallel';
import type { MaintenanceTask } from './task';

const parallelDeletes = 16;

export interface Deletion {
  readonly paths: readonly string[];
  /** The name of the work in progress messages. */
  readonly step: string;
  /** `stop`: if a path cannot be deleted, no further path is deleted. `go-on`: the others are deleted all the same. */
  readonly onFailure: 'stop' | 'go-on';
}

/**
 * Deletes objects in their order, some at a time. If the signal is aborted, it ends before the next one. Throws the first failure: at once,
 * or at the end if it goes on after failures.
 */
export async function deleteAll(
  { at, signal, progress }: MaintenanceTask,
  { paths, step, onFailure }: Deletion,
): Promise<void> {
  const failures: unknown[] = [];
  let done = 0;
  await inParallel(paths, parallelDeletes, async (path) => {
    if (signal?.aborted) throw failures[0] ?? signal.reason;
    progress?.({ step, done, total: paths.length });
    try {
      await at.store.delete(path);
    } catch (error) {
      if (onFailure === 'stop') throw error;
      failures.push(error);
    }
    done++;
  });
  if (failures.length > 0) throw failures[0];
  progress?.({ step, done: paths.length, total: paths.length });
}
