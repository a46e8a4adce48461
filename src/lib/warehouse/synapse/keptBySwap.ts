import { TributaryError } from '../../errors';
import type { WarehouseTable } from '../../streams/stream';
import { fullName } from '../warehouse';
import { quoteText } from './literals';
import type { SqlClient } from './sqlClient';
import { isUnknownObject } from './sqlErrors';
import { hasRight, lostGrants } from './tableGrants';
import { readLayout } from './tableLayout';
import { type Dialect, isColumn, objectId } from './tables';

/*
 * Finds what people have added to a table and a rebuild would lose, such as an index. Also finds what keeps the table from being replaced.
 */

/** The losses of a table if it were replaced, in sentences. Throws `warehouse.refused` if it cannot be replaced at all. */
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
  return [...lost, ...(await hiddenByPolicies(client, table))];
}

/** The names in a system view. Undefined if the engine has no such view; then it does not have such things either. */
async function namesIn(client: SqlClient, select: string): Promise<string[] | undefined> {
  try {
    const { rows } = await client.batch(select);
    return [...new Set(rows.map(({ name }) => String(name)))];
  } catch (error) {
    if (isUnknownObject(error)) return undefined;
    throw error;
  }
}

/** The names of the policies of row-level security, or a sentence if the login cannot see whether there are any. */
async function findPolicies(
  client: SqlClient,
  table: WarehouseTable,
  then: string,
): Promise<{ readonly names: readonly string[]; readonly unseen: readonly string[] }> {
  const names = await namesIn(
    client,
    `SELECT OBJECT_NAME(object_id) AS name FROM sys.security_predicates WHERE target_object_id = ${objectId(table)};`,
  );
  const isSure = names === undefined || (await hasRight(client, 'NULL', 'DATABASE', 'VIEW DEFINITION'));
  const unseen = `If a security policy is on the table, ${then}: this login cannot see that, because it lacks VIEW DEFINITION in the database, which deploy/sql/loader.sql grants.`;
  return { names: names ?? [], unseen: isSure ? [] : [unseen] };
}

/** The policies that filter rows of the table. Such a policy can hide rows from the login that deletes all rows of the table. */
async function hiddenByPolicies(client: SqlClient, table: WarehouseTable): Promise<readonly string[]> {
  const then = 'rows that are hidden from this login stay, beside the new ones';
  const { names, unseen } = await findPolicies(client, table, then);
  if (names.length === 0) return unseen;
  return [
    `Security policies are on the table (${names.join(', ')}): ${then}. Let them show this login all rows first.`,
  ];
}

/**
 * Refuses a table with a policy that hides rows: the new table would show them, and a table with a policy can be neither renamed nor
 * dropped.
 */
async function refuseIfFiltered(client: SqlClient, table: WarehouseTable): Promise<readonly string[]> {
  const { names, unseen } = await findPolicies(client, table, 'the rebuild fails at its end');
  if (names.length === 0) return unseen;
  throw new TributaryError(
    'warehouse.refused',
    `${client.name}: ${fullName(table)} cannot be replaced, because security policies are on it: ${names.join(', ')}. Drop them, rebuild, and make them again; meanwhile everybody who may read the table sees all its rows.`,
  );
}

/** Refuses a table that a foreign key refers to: its rows cannot be deleted, or rows of the other table would be deleted with them. */
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
  lost.push(...(await refuseIfFiltered(client, table)));
  lost.push(...((await readLayout(client, table))?.lost ?? []));
  const indexes = await client.batch(
    `SELECT name FROM sys.indexes WHERE type = 2 AND object_id = ${objectId(table)};`,
  );
  if (indexes.rows.length > 0)
    lost.push(`The nonclustered indexes ${indexes.rows.map((row) => row.name).join(', ')} are dropped.`);
  return [...lost, ...(await lostDetails(client, table)), ...(await lostGrants(client, table))];
}

/** Things that people have added to columns, and that a new table would not have. */
async function lostDetails(client: SqlClient, table: WarehouseTable): Promise<string[]> {
  const ofTable = `object_id = ${objectId(table)}`;
  const statistics = `SELECT name FROM sys.stats WHERE user_created = 1 AND ${ofTable};`;
  const masks = `SELECT name FROM sys.masked_columns WHERE is_masked = 1 AND ${ofTable};`;
  const [made = [], masked = []] = [await namesIn(client, statistics), await namesIn(client, masks)];
  const lost: string[] = [];
  if (made.length > 0) lost.push(`The statistics ${made.join(', ')} are dropped.`);
  if (masked.length > 0)
    lost.push(
      `The masks of the columns ${masked.join(', ')} are lost: everybody who may read the table sees what they hide.`,
    );
  return lost;
}

const dependencies = 'sys.sql_expression_dependencies';

/**
 * Refuses a table with a materialized view, because it cannot be renamed. Returns a sentence if the login cannot see whether there is one.
 */
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
