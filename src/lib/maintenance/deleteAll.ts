import type { MaintenanceTask } from './task';

const parallelDeletes = 16;

export interface Deletion {
  readonly paths: readonly string[];
  /** As progress names it. */
  readonly step: string;
  /** `stop`: what comes after a path that cannot be deleted stays, but for the few that were asked for along with it. */
  readonly onFailure: 'stop' | 'go-on';
}

/**
 * Deletes objects in their order, some at a time. Ends between two of those when the signal says so. Throws the first
 * failure, at the end when it goes on.
 */
export async function deleteAll(
  { at, signal, progress }: MaintenanceTask,
  { paths, step, onFailure }: Deletion,
): Promise<void> {
  const failures: unknown[] = [];
  for (let done = 0; done < paths.length; done += parallelDeletes) {
    if (failures.length > 0 && (onFailure === 'stop' || signal?.aborted)) break;
    signal?.throwIfAborted();
    progress?.({ step, done, total: paths.length });
    const asked = paths.slice(done, done + parallelDeletes).map((path) => at.store.delete(path));
    for (const result of await Promise.allSettled(asked))
      if (result.status === 'rejected') failures.push(result.reason);
  }
  if (failures.length > 0) throw failures[0];
  progress?.({ step, done: paths.length, total: paths.length });
}
