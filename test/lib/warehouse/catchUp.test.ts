import { afterEach, beforeEach, expect, it } from 'vitest';
import { putCommit } from '../../../src/lib/delta/commit';
import { commitPath } from '../../../src/lib/delta/log';
import { openState } from '../../../src/lib/delta/openTable';
import { TributaryError } from '../../../src/lib/errors';
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

const wholeLog = () => ({ warehouse, commits: delta.commits, table: clicksAt });

it('loading ends between two loads when it must end, and says how far it came', async () => {
  const ended = new AbortController();
  const options = { ...wholeLog(), limits: { rows: 10, bytes: 1e9 } };
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

it('a first load of a cleaned log ends when it must end, and continues with the same shadow', async () => {
  await delta.checkpointAndClean();
  const ended = new AbortController();
  const options = { ...wholeLog(), limits: { rows: 10, bytes: 1e9 } };
  const load = warehouse.load;
  let loads = 0;
  const counting = async (...args: Parameters<typeof load>) => {
    if (++loads === 2) ended.abort();
    return load(...args);
  };
  const stopping = { ...options, warehouse: { ...warehouse, load: counting } };
  expect(await catchUp({ ...stopping, signal: ended.signal })).toEqual({ state: 'behind', version: -1 });
  expect((await warehouse.ledger()).size).toBe(2);
  const { signal } = new AbortController();
  expect(await catchUp({ ...stopping, signal })).toEqual({ state: 'current', version: 4 });
  expect(loads).toBe(4);
});

it('a data file that is damaged, and one that storage does not give, are errors and no reason for a rebuild', async () => {
  const options = wholeLog();
  const { signal } = new AbortController();
  const { store } = delta.at;
  const { getRange } = store;
  store.getRange = async (path, start, length) => {
    if (path.endsWith('.parquet')) throw new TributaryError('storage.unavailable', 'The lake is away.');
    return getRange.call(store, path, start, length);
  };
  await expect(catchUp({ ...options, signal })).rejects.toMatchObject({ code: 'storage.unavailable' });
  store.getRange = getRange;
  const paths: string[] = [];
  for await (const { path, size } of store.list('clicks/part-')) {
    paths.push(path);
    if (paths.length === 1) await store.put(path, Buffer.alloc(size));
  }
  await expect(catchUp({ ...options, signal })).rejects.toMatchObject({ code: 'parquet.invalid' });
  expect((await warehouse.ledger()).get('clickstream.clicks')?.version).toBe(-1);
});

it('loads that are turned away again and again from where the ledger says that the table stands are an error', async () => {
  let loads = 0;
  const load: Warehouse['load'] = async () => {
    loads++;
    return 'overtaken';
  };
  const options = { commits: delta.commits, table: clicksAt, backoff: { firstMs: 1, mostMs: 1 } };
  const { signal } = new AbortController();
  await expect(catchUp({ ...options, warehouse: { ...warehouse, load }, signal })).rejects.toMatchObject({
    code: 'warehouse.unavailable',
    message: expect.stringContaining(
      'clickstream.clicks stands at version -1, but loads from there are turned away',
    ),
  });
  expect(loads).toBe(5);
});

it('a version whose data file is gone is read from the log again, which may have another one by then', async () => {
  const options = { ...wholeLog(), signal: new AbortController().signal };
  await catchUp(options);
  const before = new Set(await paths());
  await delta.commit(clicks(10, 50));
  const { store } = delta.at;
  for (const path of await paths()) if (!before.has(path)) await store.delete(path);
  expect(await catchUp(options)).toMatchObject({ state: 'needs-rebuild', version: 4 });
  await store.delete(commitPath('clicks', 5));
  await delta.commit(clicks(10, 60));
  expect(await catchUp(options)).toEqual({ state: 'current', version: 5 });
  const [counted] = await warehouse.query('SELECT max(productid) AS most FROM clickstream.clicks');
  expect(counted).toEqual({ most: 69 });
});

it('rows that came after a commit which makes the table another one are not loaded', async () => {
  const options = { ...wholeLog(), signal: new AbortController().signal };
  await catchUp(options);
  const state = await openState(delta.at);
  if (!state) throw new Error('There is no table.');
  const metaData = { ...state.metaData, id: 'another' };
  await putCommit(delta.at, 5, [{ metaData }], { operation: 'TEST', isBlindAppend: false });
  await delta.commit(clicks(10, 60));
  expect(await catchUp(options)).toMatchObject({ state: 'needs-rebuild', version: 4 });
  const [counted] = await warehouse.query('SELECT max(productid) AS most FROM clickstream.clicks');
  expect(counted).toEqual({ most: 49 });
});

async function paths(): Promise<string[]> {
  const found: string[] = [];
  for await (const { path } of delta.at.store.list('clicks/part-')) found.push(path);
  return found;
}
