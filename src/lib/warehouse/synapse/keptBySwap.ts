import { TributaryError } from '../../errors';
import type { WarehouseTable } from '../../streams/stream';
import { fullName } from '../warehouse';
import { quoteText } from './literals';
import type { SqlClient } from './sqlClient';
import { hasRight, lostGrants } from './tableGrants';
import { readLayout } from './tableLayout';
import { type Dialect, isColumn, objectId } from './tables';

/*
 * What becomes of that which people have put on a table when a rebuild replaces it.
 */

/** What a swap takes away from a table, in sentences. Throws `warehouse.refused` if the table cannot be replaced at all. */
export async function lostBySwap(
  client: SqlClient,
  table: WarehouseTable,
  dialect: Dialect,
): Promise<string[]> {
  const lost: string[] = [];
  const { rows } = await client.batch(`SELECT name FROM sys.columns WHERE object_id = ${objectId(table)};`);
  if (rows.length === 0) return [];
  const others = rows.map(({ name }) => String(name)).filter((name) => !isColumn(table, name));
  if (table.identity !== undefined) lost.push(`All rows get new numbers in the column ${table.identity}.`);
  if (others.length > 0)
    lost.push(`The values of the columns ${others.join(', ')}, which are not the stream's, are lost.`);
  if (dialect === 'pool') return [...lost, ...(await lostByRename(client, table))];
  await refuseIfReferred(client, table);
  return lost;
}

/** The rows that a foreign key refers to cannot be deleted; or rows of the other table would be deleted with them. */
async function refuseIfReferred(client: SqlClient, table: WarehouseTable): Promise<void> {
  const { rows } = await client.batch(
    `SELECT name, OBJECT_NAME(parent_object_id) AS of_table FROM sys.foreign_keys WHERE referenced_object_id = ${objectId(table)} AND parent_object_id <> referenced_object_id;`,
  );
  if (rows.length === 0) return;
  const keys = rows.map(({ name, of_table }) => `${name} of the table ${of_table}`).join(', ');
  throw new TributaryError(
    'warehouse.refused',
    `${client.name}: the rows of ${fullName(table)} cannot be replaced, because other tables refer to them by foreign keys: ${keys}. Drop these keys, rebuild, and make them again.`,
  );
}

async function lostByRename(client: SqlClient, table: WarehouseTable): Promise<string[]> {
  const lost = await refuseIfBound(client, table);
  lost.push(...((await readLayout(client, table))?.lost ?? []));
  const indexes = await client.batch(
    `SELECT name FROM sys.indexes WHERE type = 2 AND object_id = ${objectId(table)};`,
  );
  if (indexes.rows.length > 0)
    lost.push(`The nonclustered indexes ${indexes.rows.map((row) => row.name).join(', ')} are dropped.`);
  return [...lost, ...(await lostGrants(client, table))];
}

const dependencies = 'sys.sql_expression_dependencies';

/** A materialized view does not let its table be renamed. Returns a sentence if the login cannot see whether there is one. */
async function refuseIfBound(client: SqlClient, table: WarehouseTable): Promise<string[]> {
  if (!(await hasRight(client, quoteText(dependencies), 'OBJECT', 'SELECT')))
    return [
      `If a view is bound to the table, the rebuild fails at its end: this login cannot see that, because it lacks SELECT ON ${dependencies}, which deploy/sql/loader.sql grants.`,
    ];
  const bound = await client.batch(
    `SELECT OBJECT_NAME(referencing_id) AS name FROM ${dependencies} WHERE is_schema_bound_reference = 1 AND referenced_id = ${objectId(table)};`,
  );
  if (bound.rows.length === 0) return [];
  throw new TributaryError(
    'warehouse.refused',
    `${client.name}: ${fullName(table)} cannot be replaced, because ${bound.rows.map((row) => row.name).join(', ')} is bound to it: drop that view, rebuild, and make the view again.`,
  );
}
