import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { clickstream } from '../../../src/lib/streams/clickstream';
import { openReader, openWarehouse } from '../../../src/lib/warehouse/openWarehouse';
import { rightsOf } from '../../kit/tds/rights';
import { TdsServer } from '../../kit/tds/tdsServer';

const tables = clickstream.warehouse ? [clickstream.warehouse] : [];

it('there is no warehouse if the setting is none', async () => {
  expect(await openWarehouse({ setting: { kind: 'none' }, tables })).toBeUndefined();
});

it('a DuckDB file has its tables at once, and an address of a server is asked nothing yet', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'warehouse-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = await openWarehouse({
    setting: { kind: 'duckdb', path: join(folder, 'test.duckdb') },
    tables,
  });
  onTestFinished(async () => file?.close());
  expect([...((await file?.ledger()) ?? [])].map(([name]) => name)).toEqual(['clickstream.clicks']);
});

it('there is no reader without a warehouse, and none of a database without a login of its own', async () => {
  expect(await openReader({ setting: { kind: 'none' }, tables, reader: undefined })).toBeUndefined();
  const server = await TdsServer.start();
  onTestFinished(() => server.close());
  const setting = { kind: 'sql', address: server.address } as const;
  await expect(openReader({ setting, tables, reader: undefined })).rejects.toMatchObject({
    code: 'settings.invalid',
    message: expect.stringContaining('WAREHOUSE_READER is missing'),
  });
  expect(server.logins).toBe(0);
});

it('a reader of a DuckDB file reads it without a login, changes nothing, and makes no file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'warehouse-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const setting = { kind: 'duckdb', path: join(folder, 'test.duckdb') } as const;
  await expect(openReader({ setting, tables, reader: undefined })).rejects.toMatchObject({
    code: 'warehouse.refused',
  });
  expect(existsSync(setting.path)).toBe(false);
  await (await openWarehouse({ setting, tables }))?.close();
  const reader = await openReader({ setting, tables, reader: undefined });
  onTestFinished(async () => reader?.close());
  expect(await reader?.query('SELECT table_name FROM ops.load_ledger')).toEqual([
    { table_name: 'clickstream.clicks' },
  ]);
  await expect(reader?.query('DROP TABLE clickstream.clicks')).rejects.toMatchObject({
    code: 'warehouse.refused',
  });
});

it('a reader of a database logs in as the reader, who may not write', async () => {
  const server = await TdsServer.start();
  onTestFinished(() => server.close());
  const admin = await openWarehouse({ setting: { kind: 'sql', address: server.address }, tables });
  onTestFinished(async () => admin?.close());
  await admin?.init(tables);
  // As the warehouse's own login would be turned away.
  const address = { ...server.address, port: 1 };
  const reader = await openReader({
    setting: { kind: 'sql', address },
    tables,
    reader: server.address,
  });
  onTestFinished(async () => reader?.close());
  const drop = 'DROP TABLE clickstream.clicks;';
  await expect(reader?.query(drop)).rejects.toThrow('may do more than read, so nothing was run');
  server.engine.rights = rightsOf(readFileSync('deploy/sql/reader.sql', 'utf8'));
  expect(await reader?.query('SELECT COUNT(*) AS n FROM ops.load_ledger')).toEqual([{ n: 1 }]);
});
