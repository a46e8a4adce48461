import { inParallel } from '../inParallel';
import type { MaintenanceTask } from './task';

const parallelDeletes = 16;

export interface Deletion {
  readonly paths: readonly string[];
  /** The name of the work in progress messages. */
  readonly step: string;
  /** `stop`: after a path that cannot be deleted, no other path is deleted. */
  readonly onFailure: 'stop' | 'go-on';
}

/**
 * Deletes objects in their order, some at a time. Ends before the next one if the signal is aborted. Throws the first failure; if
 * it goes on after failures, at the end.
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
