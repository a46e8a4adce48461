import { existsSync } from 'node:fs';
import { describeFailure } from '../errors';
import type { WarehouseTable } from '../streams/stream';
import { openWarehouse } from '../warehouse/openWarehouse';
import { fullName, type Warehouse } from '../warehouse/warehouse';
import type { WarehouseSetting } from '../warehouse/warehouseSetting';
import { type Finding, failed, ok, wrong } from './finding';

const init = 'npm run warehouse -- init';

/** Looks at the warehouse: whether it answers, and whether it has the ledger and each table with all of its columns. */
export async function checkWarehouse(
  setting: WarehouseSetting,
  tables: readonly WarehouseTable[],
): Promise<Finding[]> {
  const what = 'warehouse';
  if (setting.kind === 'none') return [ok(what, 'WAREHOUSE is none: rows go to the lake alone')];
  if (setting.kind === 'duckdb' && !existsSync(setting.path))
    return [ok(what, `the DuckDB file ${setting.path} is made with the first load`)];
  let warehouse: Warehouse | undefined;
  try {
    warehouse = await openWarehouse({ setting, tables });
    if (!warehouse) return [];
    await warehouse.ledger();
    const found = [ok(what, `${warehouse.name} answers, and has the ledger`)];
    for (const table of tables) found.push(await checkTable(warehouse, table));
    return found;
  } catch (error) {
    return [failed(what, error, remedyOf(error))];
  } finally {
    await warehouse?.close();
  }
}

async function checkTable(warehouse: Warehouse, table: WarehouseTable): Promise<Finding> {
  const what = `table ${fullName(table)}`;
  try {
    await warehouse.query(`select count(*) as none from ${fullName(table)} where 1 = 0`);
    const missing = await warehouse.missingColumns(table);
    if (missing.length === 0) return ok(what, 'is there, with the columns that loads need');
    return wrong(what, `has no column ${missing.join(', ')}`, init);
  } catch (error) {
    return failed(what, error, init);
  }
}

/** The remedies of errors that the message alone does not have. */
function remedyOf(error: unknown): string | undefined {
  const { code, message } = describeFailure(error);
  if (/pool is paused/.test(message))
    return 'az synapse sql pool resume --workspace-name WORKSPACE --resource-group GROUP --name POOL';
  return code === 'warehouse.schema' || code === 'warehouse.ledger' || /load_ledger/.test(message)
    ? init
    : undefined;
}
