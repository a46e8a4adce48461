import type { MaintenanceTask } from './task';

const parallelDeletes = 16;

/** Deletes objects in their order, some at a time. Ends between two of those when the signal says so. */
export async function deleteAll(
  { at, signal, progress }: MaintenanceTask,
  paths: readonly string[],
  step: string,
): Promise<void> {
  for (let done = 0; done < paths.length; done += parallelDeletes) {
    signal?.throwIfAborted();
    progress?.({ step, done, total: paths.length });
    await Promise.all(paths.slice(done, done + parallelDeletes).map((path) => at.store.delete(path)));
  }
  progress?.({ step, done: paths.length, total: paths.length });
}
