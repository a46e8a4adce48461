import { afterEach, expect, it, vi } from 'vitest';
import { clickstream } from '../../../src/lib/streams/clickstream';
import { StreamLoaders } from '../../../src/lib/warehouse/streamLoaders';
import { openSynapse } from '../../../src/lib/warehouse/synapse/synapseWarehouse';
import { parseWarehouse } from '../../../src/lib/warehouse/warehouseSetting';
import { Session } from '../../kit/tds/session';
import { TdsServer } from '../../kit/tds/tdsServer';
import { clicks, clicksTable, type DeltaTable } from './deltaTable';

let server: TdsServer | undefined;
let loaders: StreamLoaders | undefined;
afterEach(async () => {
  await loaders?.close();
  await server?.close();
});

/** A server that has the table. */
async function startServer(): Promise<TdsServer> {
  const started = await TdsServer.start();
  const warehouse = openSynapse({ address: started.address });
  if (clickstream.warehouse) await warehouse.init([clickstream.warehouse]);
  await warehouse.close();
  return started;
}

const start = (setting: string, delta: DeltaTable) => {
  loaders = new StreamLoaders({
    setting: parseWarehouse(setting),
    streams: [clickstream],
    at: async () => delta.at,
    warn: () => {},
  });
  return loaders;
};

it('ends within seconds, also while a load hangs in the warehouse', { timeout: 20_000 }, async () => {
  const delta = await clicksTable();
  await delta.commit(clicks(1));
  server = await startServer();
  const holder = new Session(server.engine);
  await server.engine.lock('ops.load_ledger', holder);
  const one = start(server.connectionString, delta);
  const { batches, engine } = server;
  const hanging = one.catchUp(60_000);
  await vi.waitFor(
    () => expect(batches.some((text) => text.includes('INSERT INTO [clickstream]'))).toBe(true),
    { timeout: 10_000 },
  );
  const ended = await Promise.race([
    one.close().then(() => 'closed'),
    new Promise((done) => setTimeout(done, 10_000, 'still waiting')),
  ]);
  engine.release(holder);
  expect(ended).toBe('closed');
  await hanging;
});

it('only the stream that is named is nudged, and one without a table in the warehouse never', async () => {
  const delta = await clicksTable();
  await delta.commit(clicks(1));
  server = await startServer();
  const one = start(server.connectionString, delta);
  one.nudge({ ...clickstream, name: 'another' });
  await new Promise((done) => setTimeout(done, 50));
  expect(server.batches.some((text) => text.includes('INSERT INTO [clickstream]'))).toBe(false);
  one.nudge(clickstream);
  await vi.waitFor(() => expect(server?.rows('clickstream.clicks')).toHaveLength(1), { timeout: 10_000 });
});
