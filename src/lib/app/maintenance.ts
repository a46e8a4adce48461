import { hourMs } from '../duration';
import { logEvent } from '../log';
import { once } from '../once';
import {
  type MaintenanceActivities,
  type MaintenanceInput,
  type MaintenanceStep,
  maintenanceSteps,
} from '../orchestrations/maintainTables';
import { settings } from '../settings';
import { saveAppCounts } from './clicks';
import { appLake } from './lake';
import { type MaintenanceReport, maintenanceActivities } from './maintenanceActivities';
import type { ActivityFunctions } from './runHere';

/** The activities on the lake of the app's settings. */
const appActivities = once(async () => {
  const lake = await appLake();
  return maintenanceActivities({
    at: lake.at,
    targetBytes: (await settings()).targetFileBytes,
    saveCounts: saveAppCounts,
    report,
  });
});

const report = (line: MaintenanceReport) =>
  logEvent(line.outcome === 'failed' ? 'error' : 'information', 'maintenance', line);

/** The activities of `maintainTables`. Settings are read when one is called, so that wrong ones fail it and not the app's start. */
export const maintenance: ActivityFunctions<MaintenanceActivities> = {
  maintenanceStep: async (input) => (await appActivities()).maintenanceStep(input),
  planCompaction: async (input) => (await appActivities()).planCompaction(input),
  compactBin: async (input) => (await appActivities()).compactBin(input),
  saveCounts: async (input) => (await appActivities()).saveCounts(input),
};

/**
 * What the timer's next pass does. Every five minutes it makes a checkpoint of each table, because whoever opens a table reads all commits
 * after the last checkpoint. Every hour it does everything: in the first five minutes of the hour, also for a new app, or later if another
 * pass was running then.
 * @param previous the input of the last pass, whoever started it
 */
export async function timedPass(previous: unknown, now: Date): Promise<MaintenanceInput> {
  // The last full pass is unknown if nothing ran yet or the history was purged, and lies ahead if a clock was wrong. Then the hour begins
  // now.
  const fullAt = Math.min(lastFullPass(previous) ?? Number.POSITIVE_INFINITY, now.getTime());
  const isDue = now.getUTCMinutes() < 5 || now.getTime() - fullAt >= hourMs;
  return isDue ? fullPass(now) : { tables: await tableNames(), steps: ['checkpoint', 'counts'], fullAt };
}

/** A pass by hand: everything, or one table or one step of it. */
export async function requestedPass(
  { table, step }: { table: string | undefined; step: MaintenanceStep | undefined },
  previous: unknown,
  now: Date,
): Promise<MaintenanceInput> {
  const whole = await fullPass(now);
  if (table === undefined && step === undefined) return whole;
  return {
    tables: table === undefined ? whole.tables : [table],
    steps: step === undefined ? maintenanceSteps : [step],
    fullAt: lastFullPass(previous),
  };
}

const fullPass = async (now: Date): Promise<MaintenanceInput> => ({
  tables: await tableNames(),
  steps: maintenanceSteps,
  fullAt: now.getTime(),
});

export const tableNames = async (): Promise<string[]> => (await appLake()).tables.map(({ name }) => name);

function lastFullPass(previous: unknown): number | null {
  const { fullAt } = (previous ?? {}) as { fullAt?: unknown };
  return typeof fullAt === 'number' ? fullAt : null;
}
