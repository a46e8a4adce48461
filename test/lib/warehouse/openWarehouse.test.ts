import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { clickstream } from '../../../src/lib/streams/clickstream';
import { openWarehouse } from '../../../src/lib/warehouse/openWarehouse';

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
