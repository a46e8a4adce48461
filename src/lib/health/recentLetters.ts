import type { TableLocation } from '../delta/log';
import { openSnapshot } from '../delta/openTable';
import { filesWith, scanRows } from '../lake/scanRows';

/**
 * How many dead letters each stream has received since a time, in milliseconds since 1970. Only files that may hold such letters
 * are read, and of them two columns.
 * @param at the table of dead letters, which need not exist yet
 * @throws `storage.*`, `delta.*`, `parquet.invalid`
 */
export async function lettersSince(at: TableLocation, sinceMs: number): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  const snapshot = await openSnapshot(at);
  if (!snapshot) return counts;
  const since = sinceMs * 1000;
  const files = filesWith(snapshot, 'received_at', ({ most }) => most >= since);
  const columns = ['stream', 'received_at'];
  await scanRows({ state: snapshot, files, columns }, ([stream, receivedAt]) => {
    if (Number(receivedAt) < since) return;
    const name = String(stream);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  });
  return counts;
}
