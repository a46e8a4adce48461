import { logEvent } from '../log';
import { isFullPassDue, maintainTables } from '../maintenance/maintainTables';
import { settings } from '../settings';
import { chooseProducts, saveCounts } from './clicks';
import { appLake } from './lake';

/** The function's time limit, less the time that a last request to a store without an answer may take. */
const maintenanceLimitMs = 210_000;

/** One pass of maintenance over every table. */
export async function maintain(): Promise<void> {
  const lake = await appLake();
  const endsAt = Date.now() + maintenanceLimitMs;
  try {
    await maintainTables({
      tables: lake.tables.map(({ name }) => lake.at(name)),
      isFull: isFullPassDue(new Date()),
      limitMs: maintenanceLimitMs,
      targetBytes: (await settings()).targetFileBytes,
      report: (report) =>
        logEvent(report.outcome === 'failed' ? 'error' : 'information', 'maintenance', report),
    });
  } finally {
    await saveCounts();
    const leftMs = endsAt - Date.now();
    if (leftMs > 0) await chooseProducts(AbortSignal.timeout(leftMs));
  }
}
