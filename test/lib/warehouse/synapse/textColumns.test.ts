import { afterEach, describe, expect, it } from 'vitest';
import { catchUp } from '../../../../src/lib/warehouse/catchUp';
import { rebuild } from '../../../../src/lib/warehouse/rebuild';
import { UnloadedCommits } from '../../../../src/lib/warehouse/unloadedCommits';
import type { Warehouse } from '../../../../src/lib/warehouse/warehouse';
import { assetTable as assetsAt } from '../../../kit/assetStream';
import { TdsServer } from '../../../kit/tds/tdsServer';
import { asset, assetsTable, type DeltaTable } from '../deltaTable';
import { openForTest, type SynapseOptions } from './openForTest';

const signal = new AbortController().signal;
const name = 'assets.asset_statistics_history_v3';

let server: TdsServer;
const open = (options?: SynapseOptions) => openForTest(server, options);
afterEach(() => server.close());

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

describe('the code page of text columns', () => {
  /** A table of an earlier release, which has the code page of the database. */
  const startWithEarlier = async () => {
    server = await TdsServer.start({ dialect: 'server', collation: 'Cyrillic_General_CI_AS' });
    await open().init([assetsAt]);
    const table = server.engine.table(name);
    table.columns = table.columns.map((column) => ({ ...column, collation: undefined }));
    return table;
  };

  it('is found whatever the case of the names of the columns', async () => {
    const table = await startWithEarlier();
    table.columns = table.columns.map((column) => ({ ...column, name: column.name.toUpperCase() }));
    await expect(open().init([assetsAt])).rejects.toMatchObject({
      code: 'warehouse.schema',
      message: expect.stringContaining('changes letters: id (1251), '),
    });
  });

  it('is taken as right if the server does not tell it', async () => {
    await startWithEarlier();
    server.engine.tellsCodePages = false;
    await open().init([assetsAt]);
  });

  it.each([
    [195, 'taken as right if the server does not know the question'],
    [42108, 'asked for again if the server was away'],
  ])('is, after the error %i, %s', async (fail, what) => {
    await startWithEarlier();
    server.onBatch = (text) => {
      if (text.includes('COLLATIONPROPERTY')) server.plan({ fail, message: 'No answer.' });
    };
    const delta = await assetsTable();
    await delta.commit([asset()]);
    const warehouse = open();
    if (what.startsWith('taken')) await follow(warehouse, delta);
    else await expect(follow(warehouse, delta)).rejects.toMatchObject({ code: 'warehouse.unavailable' });
    server.onBatch = undefined;
    expect(server.rows(name)).toHaveLength(what.startsWith('taken') ? 1 : 0);
  });
});
