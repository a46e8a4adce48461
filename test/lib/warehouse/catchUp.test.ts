import { afterEach, beforeEach, expect, it } from 'vitest';
import { catchUp } from '../../../src/lib/warehouse/catchUp';
import type { Warehouse } from '../../../src/lib/warehouse/warehouse';
import { clicks, clicksTable, type DeltaTable } from './deltaTable';
import { clicksAt, duckDbHarness, type Harness } from './harness';

let harness: Harness;
let warehouse: Warehouse;
let delta: DeltaTable;

beforeEach(async () => {
  harness = await duckDbHarness();
  warehouse = harness.open();
  await warehouse.init([clicksAt]);
  delta = await clicksTable();
  for (let version = 1; version <= 4; version++) await delta.commit(clicks(10, version * 10));
});
afterEach(() => harness.close());

it('loading ends between two loads when it must end, and says how far it came', async () => {
  const ended = new AbortController();
  const options = { warehouse, commits: delta.commits, table: clicksAt, limits: { rows: 10, bytes: 1e9 } };
  const onLoad = ({ to }: { to: number }) => to === 2 && ended.abort();
  expect(await catchUp({ ...options, signal: ended.signal, onLoad })).toEqual({
    state: 'behind',
    version: 2,
  });
  expect((await warehouse.ledger()).get('clickstream.clicks')?.version).toBe(2);
  // It continues from there.
  const { signal } = new AbortController();
  expect(await catchUp({ ...options, signal })).toEqual({ state: 'current', version: 4 });
  const [counted] = await warehouse.query('SELECT count(DISTINCT productid) AS n FROM clickstream.clicks');
  expect(counted).toEqual({ n: '40' });
});
