import { within } from '../deadline';
import { minuteMs } from '../duration';
import { inertInLine } from '../inert';
import { logEvent } from '../log';
import type { RebuildActivities, RebuildStepOutcome } from '../orchestrations/rebuildWarehouse';
import { settings } from '../settings';
import { readLedgerPosition } from '../warehouse/ledgerPosition';
import { openWarehouse } from '../warehouse/openWarehouse';
import { rebuild } from '../warehouse/rebuild';
import { isBeingRebuilt, parseReplacing } from '../warehouse/shadow';
import type { Warehouse } from '../warehouse/warehouse';
import { failureOf } from './failure';
import { appLake } from './lake';
import { findLoadedTable, type LoadedTable, loadedTables } from './loadedTables';
import { recordLoad } from './recordLoad';

/** No load begins this long after the first one of a step, so that each step makes progress. The next step goes on from there. */
const stepMs = minuteMs;
/** No load begins this long after the step began, even if the first load began late. */
const mostMs = 180_000;
/** A step is given up after this time, if its last load takes so long; what it has done is in the ledger. Below functionTimeout (300 s). */
export const rebuildStepLimitMs = 240_000;

type Step = RebuildActivities['rebuildStep']['input'];

/** Does a part of a rebuild, in limited time. A failure is returned as a value. */
export async function rebuildStep(step: Step): Promise<RebuildStepOutcome> {
  const started = performance.now();
  const outcome = await within(rebuildStepLimitMs, () => openAndRebuild(step)).catch(failureOf);
  const milliseconds = Math.round(performance.now() - started);
  const level = outcome.outcome === 'failed' ? 'error' : 'information';
  logEvent(level, 'rebuild', { table: step.table, ...outcome, milliseconds });
  return outcome;
}

async function openAndRebuild(step: Step): Promise<RebuildStepOutcome> {
  const found = await findLoadedTable(step.table);
  const warehouse = found && (await openAppWarehouse());
  if (!warehouse) return { outcome: 'no-warehouse' };
  try {
    return await rebuildPart(warehouse, found, step);
  } finally {
    await warehouse.close();
  }
}

async function openAppWarehouse(): Promise<Warehouse | undefined> {
  return openWarehouse({
    setting: (await settings()).warehouse,
    tables: (await loadedTables()).map(({ table }) => table),
    staging: (await appLake()).staging,
    warn: (message) => logEvent('warning', 'warehouse-problem', { message }),
  });
}

async function rebuildPart(
  warehouse: Warehouse,
  { table, deltaTable }: LoadedTable,
  { mayLose, isHeld }: Step,
): Promise<RebuildStepOutcome> {
  const isReplaced = async () => parseReplacing(await readLedgerPosition(warehouse, table)) !== undefined;
  // A loader may have finished the rebuild when it was nearly done. Without this check, the step would begin a second rebuild.
  if (isHeld && !isBeingRebuilt(await warehouse.ledger(), table)) return { outcome: 'rebuilt-elsewhere' };
  const lake = await appLake();
  let loaded: { files: number; of: number } | undefined;
  const end = new AbortController();
  const endIn = (ms: number) => setTimeout(() => end.abort(), ms).unref();
  endIn(mostMs);
  const done = await rebuild({
    warehouse,
    at: lake.at(deltaTable),
    table,
    mayLose,
    signal: end.signal,
    onProgress: ({ files, of }) => {
      if (!loaded) endIn(stepMs);
      loaded = { files, of };
    },
  });
  const { outcome } = done;
  if (outcome === 'would-lose') return { outcome, lost: done.lost.map(inertInLine) };
  if (outcome === 'stopped')
    return { outcome, more: true, files: 0, of: 0, ...loaded, isHeld: await isReplaced() };
  await recordLoad(warehouse, lake, table, { state: 'behind' });
  return outcome === 'rebuilt' ? done : { outcome };
}
