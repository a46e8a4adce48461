import { checkpoint } from './checkpoint';
import { cleanLog } from './cleanLog';
import { type CompactTask, compact } from './compact';
import { vacuum } from './vacuum';

/** All work to be done for a table, in this order. */
export const duties = ['checkpoint', 'clean', 'vacuum', 'compact'] as const;

export type Duty = (typeof duties)[number];

/** Does one duty. The details of its result are figures for people. */
export async function performDuty(
  duty: Duty,
  task: CompactTask,
): Promise<{ readonly outcome: string; readonly [detail: string]: unknown }> {
  switch (duty) {
    case 'checkpoint':
      return { ...(await checkpoint(task)) };
    case 'clean':
      return { ...(await cleanLog(task)) };
    case 'compact': {
      const result = await compact(task);
      if (result.outcome === 'no-table') return { ...result };
      const of = (outcome: string) => result.bins.filter((bin) => bin.outcome === outcome);
      const rewritten = result.bins.filter(({ outcome }) => outcome === 'committed' || outcome === 'planned');
      return {
        outcome: 'done',
        version: result.version,
        bins: rewritten.length,
        conflicts: of('conflict').length,
        files: rewritten.reduce((sum, { inputs }) => sum + inputs, 0),
        bytes: rewritten.reduce((sum, { inputBytes }) => sum + inputBytes, 0),
      };
    }
    case 'vacuum': {
      const result = await vacuum(task);
      return result.outcome === 'no-table' ? { ...result } : { ...result, deleted: result.deleted.length };
    }
  }
}
