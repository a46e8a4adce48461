import { askPart } from './askPart';
import { managementPath } from './durable/clientPayload';

/** The id of the app's pass of maintenance. */
const instance = 'maintainTables';

interface Status {
  readonly runtimeStatus: string;
  readonly customStatus: { table: string | null; step: string; done: number; total: number } | null;
}

/**
 * The part of a status line about maintenance; undefined while there is none. The host itself is asked, because a function that is asked
 * every second would fill the log.
 */
export async function maintenanceStatus(apiUrl: string): Promise<string | undefined> {
  const url = `${apiUrl}${managementPath}/instances/${instance}?showInput=false`;
  const { status, body } = await askPart('the Functions host', url, { limitMs: 5000 });
  if (status !== 202) return undefined;
  const { runtimeStatus, customStatus } = body as Status;
  if (runtimeStatus === 'Suspended') return 'maintenance is suspended';
  if (!customStatus) return 'maintenance begins';
  const { table, step, done, total } = customStatus;
  return `maintenance: ${[table, step].filter(Boolean).join(' ')}, ${done} of ${total}`;
}
