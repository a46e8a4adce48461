import { isFullPassDue, maintainTables } from '../maintenance/maintainTables';
import { saveCounts } from './clicks';
import { appLake } from './lake';

/** Below the function's time limit, by as long as a request to a silent store may still take. */
const maintenanceLimitMs = 210_000;

/** One pass of maintenance over every table there is. */
export async function maintain(): Promise<void> {
  const lake = await appLake();
  try {
    await maintainTables({
      tables: lake.tables.map(({ name }) => lake.at(name)),
      isFull: isFullPassDue(new Date()),
      limitMs: maintenanceLimitMs,
      report: (report) => console.log(JSON.stringify({ event: 'maintenance', ...report })),
    });
  } finally {
    await saveCounts();
  }
}
