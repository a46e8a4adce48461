import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Azurite, startAzurite } from '../../local/azurite';
import { settingsAt } from '../../local/processes';
import { openAzureBlobStore } from '../../src/lib/storage/azureBlobStore';
import { writeLoadStatus } from '../../src/lib/warehouse/loadStatus';
import { openSynapse } from '../../src/lib/warehouse/synapse/synapseWarehouse';
import { TdsServer } from '../kit/tds/tdsServer';
import { clicksTable } from '../lib/verify/loadedTable';
import { StreamTables } from '../lib/verify/streamTables';

/*
 * `npm run warehouse` as its users run it, on a table that lacks a column of its stream.
 */

let azurite: Azurite;
let server: TdsServer;
beforeAll(async () => {
  azurite = await startAzurite();
  const { connectionString } = azurite;
  const tables = new StreamTables(await openAzureBlobStore({ connectionString }, 'lake'));
  await tables.commit([[0, 0]], [[0, 0]]);
  server = await TdsServer.start();
  const earlier = openSynapse({ address: server.address });
  await earlier.init([
    { ...clicksTable, columns: clicksTable.columns.filter(({ name }) => name !== 'category') },
  ]);
  await earlier.close();
});
afterAll(async () => {
  await azurite.close();
  await server.close();
});

function warehouse(subcommand: string): Promise<{ code: number; output: string }> {
  const settings = settingsAt({ storageConnection: azurite.connectionString, brokerPort: 1 });
  const env = { PATH: process.env.PATH, ...settings, WAREHOUSE: server.connectionString };
  return new Promise((done) =>
    execFile(
      process.execPath,
      [resolve('dist/src/cli/warehouse.js'), subcommand],
      { env },
      (error, out, err) => done({ code: Number(error?.code ?? 0), output: out + err }),
    ),
  );
}

it('says for which error the app loads nothing', async () => {
  const { connectionString } = azurite;
  const store = await openAzureBlobStore({ connectionString }, 'lake');
  await writeLoadStatus(store, 'clickstream.clicks', { state: 'failed', error: 'warehouse.unavailable' });
  const { output } = await warehouse('status');
  expect(output).toMatch(
    /^clickstream\.clicks: .*; the last load of the app failed: warehouse\.unavailable, /m,
  );
});

it('says which columns a table lacks, and init adds them', async () => {
  server.engine.alterRefusal = { number: 1088, message: 'You do not have permissions.' };
  const before = await warehouse('status');
  expect(before.output).toContain('clickstream.clicks: version -1 of 1, 2 versions behind, ');
  expect(before.output).toMatch(
    /^clickstream\.clicks: .*; lacks the columns category: .* npm run warehouse -- init/m,
  );
  const refused = await warehouse('sync');
  expect(refused.output).toContain(
    'clickstream.clicks lacks the columns category, and this login may not add them',
  );
  expect(refused.code).toBe(1);
  server.engine.alterRefusal = undefined;
  expect(await warehouse('init')).toMatchObject({ code: 0 });
  expect((await warehouse('status')).output).not.toContain('lacks');
});
