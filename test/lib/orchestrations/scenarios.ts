import { maintenanceActivities } from '../../../src/lib/app/maintenanceActivities';
import { planBins } from '../../../src/lib/maintenance/planBins';
import { maintainTables, maintenanceSteps } from '../../../src/lib/orchestrations/maintainTables';
import { type RebuildStepOutcome, rebuildWarehouse } from '../../../src/lib/orchestrations/rebuildWarehouse';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { appendFiles, snapshotOf } from '../maintenance/table';
import { type Recorded, record } from './history';

/*
 * The runs whose histories are kept in the folder `histories` and replayed. Each meets everything that its orchestrator reacts to.
 */

/** A minute passes with each event, so that the checkpoints of a long pass fall due. */
function clock(): () => number {
  let minutes = 0;
  return () => Date.UTC(2026, 0, 1) + minutes++ * 60_000;
}

/** A pass over a sound table, one with a file that is gone, and one that does not exist. The process of a bin ends once. */
async function maintenance(): Promise<Recorded> {
  const store = new MemoryStore();
  const at = (table: string) => ({ store, table });
  await appendFiles(at('clicks'), 10);
  await appendFiles(at('assets'), 4);
  const [first] = [...(await snapshotOf(at('clicks'))).files.values()];
  const targetBytes = (first?.size ?? 0) * 3.5;
  const [bin] = planBins([...(await snapshotOf(at('assets'))).files.values()], targetBytes);
  await store.delete(`assets/${bin?.[0]?.path}`);
  const activities = maintenanceActivities({
    at,
    targetBytes,
    saveCounts: async () => ({ outcome: 'saved' }),
    readMs: 0,
  });
  let bins = 0;
  return record(
    maintainTables,
    { tables: ['clicks', 'assets', 'dead_letters'], steps: maintenanceSteps, fullAt: null },
    {
      now: clock(),
      activities: {
        ...activities,
        compactBin: (input) =>
          ++bins === 3 ? Promise.reject(new Error('The process ended.')) : activities.compactBin(input),
      },
    },
  );
}

/** A rebuild of more steps than a history has, some of which fail. */
async function rebuild(): Promise<Recorded> {
  let step = 0;
  const rebuildStep = async (): Promise<RebuildStepOutcome> => {
    step++;
    if (step === 3 || step === 20)
      return {
        outcome: 'failed',
        code: 'warehouse.unavailable',
        message: 'The pool is paused.',
        retriable: true,
      };
    if (step === 4) throw new Error('The process ended.');
    return step < 25
      ? { outcome: 'stopped', more: true, files: step * 10, of: 250, isHeld: step === 24 }
      : { outcome: 'rebuilt', version: 250 };
  };
  return record(
    rebuildWarehouse,
    { table: 'clickstream.clicks', yes: false },
    { now: clock(), activities: { rebuildStep } },
  );
}

export const scenarios = {
  maintainTables: { orchestrator: maintainTables, run: maintenance },
  rebuildWarehouse: { orchestrator: rebuildWarehouse, run: rebuild },
} as const;
