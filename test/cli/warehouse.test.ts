import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { type Azurite, startAzurite } from '../../local/azurite';
import { settingsAt } from '../../local/processes';
import { commitPath } from '../../src/lib/delta/log';
import { openAzureBlobStore } from '../../src/lib/storage/azureBlobStore';
import { loadStreams } from '../../src/lib/streams/loadStreams';
import type { Stream } from '../../src/lib/streams/stream';
import { writeLoadStatus } from '../../src/lib/warehouse/loadStatus';
import { openSynapse } from '../../src/lib/warehouse/synapse/synapseWarehouse';
import { fullName } from '../../src/lib/warehouse/warehouse';
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

function warehouse(
  args: readonly string[],
  more: Record<string, string> = {},
): Promise<{ code: number; output: string }> {
  const settings = settingsAt({ storageConnection: azurite.connectionString, brokerPort: 1 });
  const env = { PATH: process.env.PATH, ...settings, WAREHOUSE: server.connectionString, ...more };
  return new Promise((done) =>
    execFile(
      process.execPath,
      [resolve('dist/src/cli/warehouse.js'), ...args],
      { env, cwd: tmpdir() },
      (error, out, err) => done({ code: Number(error?.code ?? 0), output: out + err }),
    ),
  );
}

it('says for which error the app loads nothing', async () => {
  const { connectionString } = azurite;
  const store = await openAzureBlobStore({ connectionString }, 'lake');
  await writeLoadStatus(store, 'clickstream.clicks', { state: 'failed', error: 'warehouse.unavailable' });
  const { output } = await warehouse(['status']);
  expect(output).toMatch(
    /^clickstream\.clicks: .*; the last load of the app failed: warehouse\.unavailable, /m,
  );
});

it('says which columns a table lacks, and init adds them', async () => {
  server.engine.alterRefusal = { number: 1088, message: 'You do not have permissions.' };
  const before = await warehouse(['status']);
  expect(before.output).toContain('clickstream.clicks: nothing is loaded yet, 2 versions behind, ');
  expect(before.output).toMatch(
    /^clickstream\.clicks: .*; lacks the columns category: .* npm run warehouse -- init/m,
  );
  const refused = await warehouse(['sync']);
  expect(refused.output).toContain(
    'clickstream.clicks lacks the columns category, and this login may not add them',
  );
  expect(refused.code).toBe(1);
  server.engine.alterRefusal = undefined;
  expect(await warehouse(['init'])).toMatchObject({ code: 0 });
  expect((await warehouse(['status'])).output).not.toContain('lacks');
});

it('rebuilds a table only with --yes if something on it is lost', async () => {
  const { output: loaded } = await warehouse(['sync']);
  expect(loaded).toContain('clickstream.clicks is current');
  const table = server.engine.table('clickstream.clicks');
  table.indexes.push({ name: 'by_product', type: 2 });
  const refused = await warehouse(['rebuild', 'clicks', '--here']);
  expect(refused.output).toContain('The nonclustered indexes by_product are dropped.');
  expect(refused.output).toContain('--yes');
  expect(refused.code).toBe(1);
  expect(server.engine.table('clickstream.clicks')).toBe(table);
  const { output, code } = await warehouse(['rebuild', 'clicks', '--here', '--yes']);
  expect(output).toContain('clickstream.clicks: rebuilt from version 1');
  expect(code).toBe(0);
  expect(server.engine.table('clickstream.clicks').rows).toHaveLength(table.rows.length);
});

it('compares a table with the lake, row by row', async () => {
  expect(await warehouse(['check', 'clicks'])).toMatchObject({
    code: 0,
    output: expect.stringMatching(
      /^clickstream\.clicks: equal to version 1 of the lake \(1 row, 0 rejected\)$/m,
    ),
  });
  const [row] = server.rows('clickstream.clicks');
  const { productid } = row ?? {};
  if (row) row.productid = 777;
  const { output, code } = await warehouse(['check', 'clicks']);
  expect(output).toMatch(
    /^clickstream\.clicks: changed in productid: partition 0, sequence number 0, element 0 of /m,
  );
  expect(output).toMatch(/^clickstream\.clicks: NOT equal to version 1 of the lake/m);
  expect(output).toMatch(/^To load it again: npm run warehouse -- rebuild clickstream\.clicks$/m);
  expect(code).toBe(1);
  if (row) row.productid = productid ?? null;
});

it('does not call a table up to date that needs a rebuild because storage went back in time', async () => {
  const store = await openAzureBlobStore({ connectionString: azurite.connectionString }, 'back');
  await new StreamTables(store).commit([[0, 0]], [[0, 0]]);
  const folder = mkdtempSync(join(tmpdir(), 'back-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const ofIts = { LAKE_CONTAINER: 'back', WAREHOUSE: `duckdb:${join(folder, 'warehouse.duckdb')}` };
  await warehouse(['init'], ofIts);
  await warehouse(['sync'], ofIts);
  await store.delete(commitPath('clicks', 1));
  const { output } = await warehouse(['status'], ofIts);
  expect(output).toMatch(
    /^clickstream\.clicks: version 1 of 0; needs rebuild, for the lake's storage went back in time: .*: npm run warehouse -- rebuild clickstream\.clicks$/m,
  );
});

const isOtherLoaded = ({ table, warehouse }: Stream) => table !== 'clicks' && warehouse !== undefined;

it('a Delta table that is refused hides no other table, and is told with its statement', async ({ skip }) => {
  const { table, warehouse: other } = (await loadStreams()).find(isOtherLoaded) ?? {};
  if (!table || !other) return skip('The project loads only the clicks into the warehouse.');
  const { connectionString } = azurite;
  const store = await openAzureBlobStore({ connectionString }, 'lake');
  const features = ['deletionVectors'];
  const protocol = {
    minReaderVersion: 3,
    minWriterVersion: 7,
    readerFeatures: features,
    writerFeatures: features,
  };
  const schemaString = JSON.stringify({ type: 'struct', fields: [] });
  const metaData = { id: 'other', format: { provider: 'parquet', options: {} }, schemaString };
  const actions = [{ protocol }, { metaData: { ...metaData, partitionColumns: [], configuration: {} } }];
  const entry = actions.map((action) => JSON.stringify(action)).join('\n');
  await store.put(commitPath(table, 0), Buffer.from(entry));
  onTestFinished(async () => void (await store.delete(commitPath(table, 0))));
  const refused = new RegExp(`^${fullName(other)}: .*DROP FEATURE deletionVectors.*delta\\.unsupported`, 'm');
  for (const [subcommand, clicks] of [
    ['status', /^clickstream\.clicks: /m],
    ['sync', /^clickstream\.clicks is current/m],
  ] as const) {
    const { code, output } = await warehouse([subcommand]);
    expect(output).toMatch(clicks);
    expect(output).toMatch(refused);
    expect(code).toBe(1);
  }
});

it('asks a database with the login of WAREHOUSE_READER alone, and refuses a query without one', async () => {
  const sql = 'SELECT COUNT(*) AS n FROM ops.load_ledger';
  const logins = server.logins;
  const refused = await warehouse(['query', sql]);
  expect(refused.code).toBe(1);
  expect(refused.output).toContain('WAREHOUSE_READER is missing: queries need a login of their own');
  const same = await warehouse(['query', sql], { WAREHOUSE_READER: server.connectionString });
  expect(same.output).toContain('WAREHOUSE_READER has the login of WAREHOUSE');
  // A second server, so that it is seen which of the two connections is used.
  const readers = await TdsServer.start();
  onTestFinished(() => readers.close());
  const loader = openSynapse({ address: readers.address });
  await loader.init([clicksTable]);
  await loader.close();
  readers.engine.rights = new Set(['SELECT']);
  const WAREHOUSE_READER = readers.connectionString.replace('User ID=loader', 'User ID=reader');
  expect(await warehouse(['query', sql], { WAREHOUSE_READER })).toMatchObject({
    code: 0,
    output: 'n\n1\nSettings: the environment.\n',
  });
  expect(readers.batches.at(-1)).toBe(sql);
  expect((await warehouse(['query', 'SELECT a FROM no.such'], { WAREHOUSE_READER })).output).toMatch(
    /Invalid object name 'no\.such'\. npm run warehouse -- init makes clickstream\.clicks, .* and ops\.rejected_rows/,
  );
  readers.engine.rights = new Set(['SELECT', 'INSERT clickstream']);
  expect(await warehouse(['query', sql], { WAREHOUSE_READER })).toMatchObject({
    code: 1,
    output: expect.stringContaining('on clickstream it has INSERT. Make a user for it that may only read'),
  });
  expect(server.logins).toBe(logins);
});

it.each([
  ['no_such', 'Table with name no_such does not exist'],
  ['clickstream.no_such', 'Table with name no_such does not exist'],
  ['no.such', 'Table with name "no.such" does not exist because schema "no" does not exist'],
])('says which tables there are where a query names %s', async (name, message) => {
  const folder = mkdtempSync(join(tmpdir(), 'warehouse-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const duckDb = { WAREHOUSE: `duckdb:${join(folder, 'w.duckdb')}` };
  expect((await warehouse(['init'], duckDb)).code).toBe(0);
  const { code, output } = await warehouse(['query', `select * from ${name}`], duckDb);
  expect(code).toBe(1);
  expect(output).toContain(
    `${message}. npm run warehouse -- init makes clickstream.clicks, clickstream.clicks_per_`,
  );
  expect(output).toContain(
    ' ops.load_ledger and ops.rejected_rows (warehouse.refused, see docs/errors.md)\n',
  );
});
