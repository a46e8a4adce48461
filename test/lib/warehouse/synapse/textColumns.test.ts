import { afterEach, describe, expect, it } from 'vitest';
import { catchUp } from '../../../../src/lib/warehouse/catchUp';
import { rebuild } from '../../../../src/lib/warehouse/rebuild';
import { openSynapse } from '../../../../src/lib/warehouse/synapse/synapseWarehouse';
import { UnloadedCommits } from '../../../../src/lib/warehouse/unloadedCommits';
import type { Warehouse } from '../../../../src/lib/warehouse/warehouse';
import { assetTable as assetsAt } from '../../../kit/assetStream';
import { TdsServer } from '../../../kit/tds/tdsServer';
import { asset, assetsTable, type DeltaTable } from '../deltaTable';

const signal = new AbortController().signal;
const name = 'assets.asset_statistics_history_v3';

let server: TdsServer;
const opened: Warehouse[] = [];
const open = (options: Partial<Parameters<typeof openSynapse>[0]> = {}) => {
  const one = openSynapse({ address: server.address, ...options });
  opened.push(one);
  return one;
};
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
  await server.close();
});

const follow = (warehouse: Warehouse, delta: DeltaTable) =>
  catchUp({ warehouse, commits: new UnloadedCommits(delta.at), table: assetsAt, signal });

const letters = ['Café', '€uro', 'Žižkov', `${'x'.repeat(254)}é`, "naïve'\n"];

describe.each(['pool', 'server'] as const)('text in a database of another code page: %s', (dialect) => {
  it.each(['Cyrillic_General_CI_AS', 'Latin1_General_100_CI_AS_SC_UTF8'])(
    'is kept to the letter in tables that init has made: %s',
    async (collation) => {
      server = await TdsServer.start({ dialect, collation });
      for (const bulkThreshold of [1, 1e9]) {
        const delta = await assetsTable();
        await delta.commit(letters.map((id) => asset({ id })));
        server.engine.tables.clear();
        const warehouse = open({ bulkThreshold });
        await warehouse.init([assetsAt]);
        await follow(warehouse, delta);
        expect(server.rows(name).map(({ id }) => id)).toEqual(letters);
        expect(server.rows('ops.rejected_rows')).toEqual([]);
      }
    },
  );

  it('is not loaded into a table of an earlier release, which has that code page, and the way out is told', async () => {
    server = await TdsServer.start({ dialect, collation: 'Cyrillic_General_CI_AS' });
    const warehouse = open();
    await warehouse.init([assetsAt]);
    const table = server.engine.table(name);
    const ofEarlier = table.columns.map((column) => ({ ...column, collation: undefined }));
    table.columns = ofEarlier;
    const delta = await assetsTable();
    await delta.commit([asset({ id: 'Café' })]);
    const told = {
      code: 'warehouse.schema',
      message: expect.stringMatching(
        dialect === 'pool'
          ? /id \(1251\), .*npm run warehouse -- rebuild assets/
          : /id \(1251\), .*ALTER COLUMN \[id\] varchar\(255\) COLLATE SQL_Latin1_General_CP1_CI_AS NULL;/,
      ),
    };
    await expect(follow(open(), delta)).rejects.toMatchObject(told);
    await expect(open().init([assetsAt])).rejects.toMatchObject(told);
    const rebuilding = rebuild({ warehouse: open(), at: delta.at, table: assetsAt, signal });
    if (dialect === 'pool') await rebuilding;
    else {
      await expect(rebuilding).rejects.toMatchObject(told);
      table.columns = ofEarlier.map((column) => ({ ...column, collation: 'SQL_Latin1_General_CP1_CI_AS' }));
    }
    await follow(open(), delta);
    expect(server.rows(name).map(({ id }) => id)).toEqual(['Café']);
  });
});
