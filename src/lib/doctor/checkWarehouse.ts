import { existsSync } from 'node:fs';
import { describeFailure } from '../errors';
import type { WarehouseTable } from '../streams/stream';
import { openDuckDbToRead } from '../warehouse/duckdb/sharedFile';
import { openWarehouse } from '../warehouse/openWarehouse';
import { fullName, type Warehouse } from '../warehouse/warehouse';
import type { WarehouseSetting } from '../warehouse/warehouseSetting';
import { type Finding, failed, ok, wrong } from './finding';

const init = 'npm run warehouse -- init';

const what = 'warehouse';

/** Examines the warehouse: whether it answers, and in a database also whether the ledger and each table with all its columns exist. */
export async function checkWarehouse(
  setting: WarehouseSetting,
  tables: readonly WarehouseTable[],
): Promise<Finding[]> {
  try {
    if (setting.kind === 'none') return [ok(what, 'WAREHOUSE is none: rows go to the lake alone')];
    if (setting.kind === 'duckdb') return [await checkDuckDb(setting.path)];
    const warehouse = await openWarehouse({ setting, tables });
    return warehouse ? await checkDatabase(warehouse, tables) : [];
  } catch (error) {
    return [failed(what, error, remedyOf(error))];
  }
}

/** Checks that the file can be read. It is not opened for loads, because that would make the tables in it. */
async function checkDuckDb(path: string): Promise<Finding> {
  if (!existsSync(path)) return ok(what, `the DuckDB file ${path} is made with the first load`);
  const file = await openDuckDbToRead(path);
  try {
    await file.query('select 1 as one');
    return ok(what, `the DuckDB file ${path} can be read`);
  } finally {
    await file.close();
  }
}

async function checkDatabase(warehouse: Warehouse, tables: readonly WarehouseTable[]): Promise<Finding[]> {
  try {
    await warehouse.ledger();
    const found = [ok(what, `${warehouse.name} answers, and has the ledger`)];
    for (const table of tables) found.push(await checkTable(warehouse, table));
    return found;
  } finally {
    await warehouse.close();
  }
}

async function checkTable(warehouse: Warehouse, table: WarehouseTable): Promise<Finding> {
  const about = `table ${fullName(table)}`;
  try {
    await warehouse.query(`select count(*) as counted from ${fullName(table)} where 1 = 0`);
    const missing = await warehouse.missingColumns(table);
    if (missing.length === 0) return ok(about, 'is there, with the columns that loads need');
    return wrong(about, `has no column ${missing.join(', ')}`, init);
  } catch (error) {
    return failed(about, error, init);
  }
}

/** The remedy of an error whose message has none; undefined otherwise. */
function remedyOf(error: unknown): string | undefined {
  const { code, message } = describeFailure(error);
  if (/pool is paused/.test(message))
    return 'az synapse sql pool resume --workspace-name WORKSPACE --resource-group GROUP --name POOL';
  if (/\berror 40615\b/.test(message)) return firewallRule(message);
  return code === 'warehouse.schema' || code === 'warehouse.ledger' || /load_ledger/.test(message)
    ? init
    : undefined;
}

/** The commands that let this machine through the server's firewall. The server's message has the address that was kept out. */
function firewallRule(message: string): string {
  const address = /IP address '([\d.]+)'/.exec(message)?.[1] ?? 'ADDRESS';
  const rule = `--resource-group GROUP --name doctor --start-ip-address ${address} --end-ip-address ${address}`;
  return `az sql server firewall-rule create --server SERVER ${rule}, and in Synapse az synapse workspace firewall-rule create --workspace-name WORKSPACE ${rule}; it takes up to five minutes`;
}
