import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clickstream } from '../../../../src/lib/streams/clickstream';
import type { WarehouseTable } from '../../../../src/lib/streams/stream';
import { readerScript, SqlReader } from '../../../../src/lib/warehouse/synapse/sqlReader';
import { openSynapse } from '../../../../src/lib/warehouse/synapse/synapseWarehouse';
import { assetStream } from '../../../kit/assetStream';
import { rightsOf } from '../../../kit/tds/rights';
import { TdsServer } from '../../../kit/tds/tdsServer';

/*
 * Queries that people write run only with a login that the server itself would not let write.
 */

const tables = [clickstream, assetStream].map(({ warehouse }) => warehouse as WarehouseTable);
const script = readFileSync('deploy/sql/reader.sql', 'utf8');
const [drop, count] = ['DROP TABLE clickstream.clicks;', 'SELECT COUNT(*) AS n FROM ops.load_ledger'];

let server: TdsServer;
let reader: SqlReader;
beforeEach(async () => {
  server = await TdsServer.start();
  const admin = openSynapse({ address: server.address });
  await admin.init(tables);
  await admin.close();
  reader = new SqlReader(server.address, tables);
});
afterEach(async () => {
  await reader.close();
  await server.close();
});

describe('a query of a person', () => {
  it('runs with the rights of deploy/sql/reader.sql, which a refusal tells too', async () => {
    server.engine.rights = rightsOf(script);
    expect(await reader.query(count)).toEqual([{ n: 2 }]);
    await expect(reader.query(drop)).rejects.toThrow('The permission ALTER clickstream was denied.');
    const statements = script.split('\n').filter((line) => /^(?:CREATE|GRANT) /.test(line));
    expect(statements).toEqual(readerScript(tables));
  });

  it.each([
    ['everything', undefined, 'on the database it has ALTER and 6 rights more'],
    ['writing in the database', ['INSERT', 'SELECT'], 'on the database it has INSERT.'],
    ['making tables', ['CREATE TABLE', 'SELECT'], 'on the database it has CREATE TABLE.'],
    ['a schema', ['SELECT', 'CONTROL clickstream'], 'on clickstream it has CONTROL.'],
    ['the ledger', ['SELECT', 'UPDATE ops', 'DELETE ops'], 'on ops it has DELETE and 1 right more'],
    ['one table', ['SELECT', 'DELETE clickstream.clicks'], 'on clickstream.clicks it has DELETE.'],
    [
      'what the app may',
      'deploy/sql/loader.sql',
      'on the database it has ADMINISTER DATABASE BULK OPERATIONS',
    ],
  ])('is refused before it runs, for a login with the right to %s', async (_what, rights, message) => {
    server.engine.rights =
      typeof rights === 'string' ? rightsOf(readFileSync(rights, 'utf8')) : rights && new Set(rights);
    const refused = await reader.query(drop).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'settings.invalid' });
    expect(String(refused)).toContain(`may do more than read, so nothing was run: ${message}`);
    expect(String(refused)).toContain('CREATE USER [reader] FOR LOGIN [reader]; GRANT SELECT ON SCHEMA::ops');
    expect(server.batches).not.toContain(drop);
    expect(server.engine.tables.has('clickstream.clicks')).toBe(true);
  });

  it('is refused for a login with a role that may write, whatever rights the server tells', async () => {
    server.engine.rights = new Set(['SELECT']);
    server.engine.roles.add('db_datareader');
    expect(await reader.query(count)).toEqual([{ n: 2 }]);
    server.engine.roles.add('db_datawriter');
    await expect(reader.query(drop)).rejects.toThrow(
      'nothing was run: it is a member of db_datawriter. Make',
    );
    expect(server.batches).not.toContain(drop);
  });

  it('is refused if the server does not say what the login may do', async () => {
    server.engine.tellsRights = false;
    await expect(reader.query(drop)).rejects.toThrow('it has rights that the server does not tell.');
  });

  it('is not refused for rights to read and to look at plans', async () => {
    server.engine.rights = new Set(['SELECT', 'SHOWPLAN', 'VIEW DEFINITION', 'VIEW DATABASE STATE']);
    expect(await reader.query(count)).toEqual([{ n: 2 }]);
  });
});
