import { append, createTable } from '../../src/lib/delta/commit';
import { openState } from '../../src/lib/delta/openTable';
import type { Value } from '../../src/lib/delta/schema';
import { writeDataFile } from '../../src/lib/delta/writeDataFile';
import { tableFields } from '../../src/lib/lake/rowAddress';
import type { ObjectStore } from '../../src/lib/storage/objectStore';
import { isRow } from '../../src/lib/streams/stream';
import { assetStream } from './assetStream';

/** Commits assets in one file, to a new table if there is none. */
export async function writeAssets(store: ObjectStore, assets: readonly object[]): Promise<void> {
  const at = { store, table: assetStream.table };
  const fields = tableFields(assetStream);
  if (!(await openState(at))) await createTable(at, fields);
  const state = await openState(at);
  const rows = assetStream.decode(Buffer.from(JSON.stringify(assets))).filter(isRow);
  if (!state || rows.length !== assets.length) throw new Error('The assets cannot be written.');
  const now = Date.now() * 1000;
  const address: Readonly<Record<string, Value>> = {
    enqueued_at: now,
    hub_created_at: now,
    hub_partition: 0,
    sequence_number: 0,
    element: 0,
  };
  const columns = fields.map(({ name }, index) =>
    rows.map((row, element) => (name === 'element' ? element : (address[name] ?? row[index] ?? null))),
  );
  const add = { ...(await writeDataFile({ at, fields, columns })), dataChange: true };
  await append({ state, fields, adds: [add], txns: [] });
}
