import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SqlClient } from '../../../../src/lib/warehouse/synapse/sqlClient';
import { openSynapse } from '../../../../src/lib/warehouse/synapse/synapseWarehouse';
import { fullName, type Warehouse } from '../../../../src/lib/warehouse/warehouse';
import { TdsServer } from '../../../kit/tds/tdsServer';
import { earlierSqlLoader } from '../earlierLoader';
import { clicksAt } from '../harness';

/*
 * The primary key of a ledger that was made before there was one, in engines that enforce keys.
 */

const ledger = 'ops.load_ledger';
const old = { tableId: 'id', version: 7, mark: undefined };
let server: TdsServer;
let client: SqlClient;
let warnings: string[];
const opened: Warehouse[] = [];

const start = () => {
  const warehouse = openSynapse({ address: server.address, warn: (message) => warnings.push(message) });
  opened.push(warehouse);
  return warehouse;
};

beforeEach(async () => {
  warnings = [];
  server = await TdsServer.start({ dialect: 'server' });
  client = new SqlClient(server);
  await start().init([clicksAt]);
  await earlierSqlLoader(client, '').makeLedger(fullName(clicksAt), old);
  server.errors.length = 0;
});
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
  await client.close();
  await server.close();
});

describe('a ledger of an earlier release', () => {
  it('gets its key, also if eight processes add it at once', async () => {
    expect(server.engine.table(ledger).primaryKey).toBeUndefined();
    await Promise.all(Array.from({ length: 8 }, () => start().init([clicksAt])));
    expect(server.engine.table(ledger).primaryKey).toEqual(['table_name']);
    expect(server.rows(ledger)).toHaveLength(1);
    expect(server.rows(ledger)[0]).toMatchObject({ delta_id: 'id', last_version: 7n });
    expect(warnings).toEqual([]);
    const before = server.batches.length;
    await start().init([clicksAt]);
    expect(server.batches.slice(before).filter((text) => /^ALTER/.test(text))).toEqual([]);
  });

  it('that has two rows of a table is refused, with what to do', async () => {
    await client.batch(
      `INSERT INTO ${ledger} (table_name, delta_id, last_version, batch_token) SELECT 'clickstream.clicks', 'id', 6, '';`,
    );
    await expect(start().init([clicksAt])).rejects.toMatchObject({
      code: 'warehouse.ledger',
      message: expect.stringContaining('more than one row for clickstream.clicks: delete all but the one'),
    });
    expect(server.rows(ledger)).toHaveLength(2);
  });

  it('stays without a key if the login may not add it', async () => {
    const warehouse = start();
    await warehouse.ledger();
    server.engine.alterRefusal = { number: 1088, message: 'You do not have permissions.' };
    await warehouse.init([clicksAt]);
    expect(warnings).toEqual([expect.stringContaining('ops.load_ledger gets no primary key: ')]);
    expect((await warehouse.ledger()).get(fullName(clicksAt))).toStrictEqual(old);
  });

  it('gets it with the next try if the server is away', async () => {
    const warehouse = start();
    await warehouse.ledger();
    server.engine.alterRefusal = { number: 40613, message: 'The database is not available.' };
    await expect(warehouse.init([clicksAt])).rejects.toMatchObject({ code: 'warehouse.unavailable' });
    server.engine.alterRefusal = undefined;
    await warehouse.init([clicksAt]);
    expect(server.engine.table(ledger).primaryKey).toEqual(['table_name']);
  });
});
