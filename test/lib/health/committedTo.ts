import { append, createTable } from '../../../src/lib/delta/commit';
import { openState } from '../../../src/lib/delta/openTable';
import type { TableState } from '../../../src/lib/delta/state';
import { type HubGeneration, partitionAppId } from '../../../src/lib/lake/hubGeneration';
import type { HubHeads } from '../../../src/lib/lake/hubHeads';
import { tableFields } from '../../../src/lib/lake/rowAddress';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { clickstream } from '../../../src/lib/streams/clickstream';

/**
 * A table and its hub.
 * @param partitions by the partition's id, the sequence number of the last committed event and of the newest one, which was enqueued
 *     just now; -1 stands for none
 */
export async function committedTo(
  partitions: Readonly<Record<string, readonly [committed: number, newest: number]>>,
): Promise<{ state: TableState; heads: HubHeads }> {
  const generation: HubGeneration = { namespace: 'contoso', hub: 'clicks', createdOn: new Date(0) };
  const at = { store: new MemoryStore(), table: clickstream.table };
  const fields = tableFields(clickstream);
  await createTable(at, fields);
  const state = await openState(at);
  if (!state) throw new Error('The table is not there.');
  const txns = Object.entries(partitions)
    .filter(([, [committed]]) => committed >= 0)
    .map(([id, [version]]) => ({ appId: partitionAppId(generation, id), version, lastUpdated: Date.now() }));
  const { state: after } = await append({ state, fields, adds: [], txns });
  const heads = Object.entries(partitions).map(([partitionId, [, last]]) => ({
    partitionId,
    first: 0,
    last,
    lastEnqueuedAt: Date.now(),
  }));
  return { state: after, heads: { generation, partitions: heads } };
}
