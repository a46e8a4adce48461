import { expect, it } from 'vitest';
import { maintenanceActivities, untilStorageIsAway } from '../../../src/lib/app/maintenanceActivities';
import { runHere } from '../../../src/lib/app/runHere';
import { TributaryError } from '../../../src/lib/errors';
import { maintainTables, maintenanceSteps } from '../../../src/lib/orchestrations/maintainTables';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';

/** A pass of all steps over three tables, whose storage fails with this code from the second step on. */
async function passWith(code: 'storage.unavailable' | 'delta.invalid') {
  const store = new MemoryStore();
  let asked = 0;
  const activities = untilStorageIsAway(
    maintenanceActivities({
      at: (table) => {
        asked++;
        if (asked > 1) throw new TributaryError(code, 'This is wrong.');
        return { store, table };
      },
      targetBytes: 1,
      saveCounts: async () => ({ outcome: 'saved' }),
    }),
  );
  const input = { tables: ['one', 'two', 'three'], steps: maintenanceSteps, fullAt: null };
  return { result: await runHere(maintainTables, input, { activities }), asked };
}

it('a pass waits once for storage that does not answer, and says of each step that it failed', async () => {
  const { result, asked } = await passWith('storage.unavailable');
  expect(asked).toBe(2);
  expect(result).toMatchObject({
    tables: [
      { steps: { checkpoint: 'no-table' } },
      { steps: { checkpoint: 'failed', compact: 'failed' } },
      { steps: { checkpoint: 'failed', compact: 'failed' } },
    ],
    counts: 'failed',
  });
  expect(new Set(result.failures.map((one) => one.code))).toEqual(new Set(['storage.unavailable']));
});

it('a table that is damaged keeps no step from the others', async () => {
  const { result, asked } = await passWith('delta.invalid');
  expect(asked).toBe(9);
  expect(result.counts).toBe('saved');
});
