import { TributaryError } from '../../errors';
import type { WarehouseTable } from '../../streams/stream';
import { fullName, type Swap } from '../warehouse';
import { quoteName, quoteText } from './literals';
import type { SqlClient } from './sqlClient';
import { type Dialect, type Layout, quoteTable } from './tables';

/*
 * What people have put on a table, and what becomes of it when a rebuild replaces the table.
 */

type Row = Record<string, unknown>;

const objectId = (table: WarehouseTable) => `OBJECT_ID(${quoteText(fullName(table))})`;

/** How a dedicated pool keeps a table; undefined if there is no such table. */
export async function readLayout(client: SqlClient, table: WarehouseTable): Promise<Layout | undefined> {
  const read = async (what: string) =>
    (await client.batch(`SELECT ${what} object_id = ${objectId(table)};`)).rows;
  const [distribution] = await read(
    'distribution_policy_desc FROM sys.pdw_table_distribution_properties WHERE',
  );
  if (!distribution) return undefined;
  const columns = await read('name, column_id FROM sys.columns WHERE');
  const nameOf = (id: unknown) =>
    quoteName(String(columns.find(({ column_id }) => Number(column_id) === Number(id))?.name));
  const hashed = await read(
    'column_id, distribution_ordinal FROM sys.pdw_column_distribution_properties WHERE',
  );
  const hashedBy = inOrder(hashed, 'distribution_ordinal').map(({ column_id }) => nameOf(column_id));
  const policy = String(distribution.distribution_policy_desc);
  const indexes = await read('name, type FROM sys.indexes WHERE');
  const types = new Set(indexes.map(({ type }) => Number(type)));
  const keys = types.has(1)
    ? inOrder(
        await read('column_id, key_ordinal, is_descending_key FROM sys.index_columns WHERE index_id = 1 AND'),
        'key_ordinal',
      )
    : [];
  const sorted = keys.map(
    ({ column_id, is_descending_key }) =>
      `${nameOf(column_id)}${Number(is_descending_key) === 1 ? ' DESC' : ''}`,
  );
  return {
    distribution: policy === 'HASH' ? `HASH(${hashedBy.join(', ')})` : policy,
    index: types.has(5)
      ? 'CLUSTERED COLUMNSTORE INDEX'
      : types.has(1)
        ? `CLUSTERED INDEX (${sorted.join(', ')})`
        : 'HEAP',
  };
}

/** The rows whose number is not 0, by that number. */
const inOrder = (rows: readonly Row[], number: string) =>
  rows.filter((row) => Number(row[number]) > 0).sort((a, b) => Number(a[number]) - Number(b[number]));

/** The statements that give a table's rights on another one. */
async function readGrants(client: SqlClient, table: WarehouseTable, on: WarehouseTable): Promise<string[]> {
  const { rows } = await client.batch(
    `SELECT state_desc, permission_name, USER_NAME(grantee_principal_id) AS grantee FROM sys.database_permissions WHERE class = 1 AND minor_id = 0 AND major_id = ${objectId(table)};`,
  );
  return rows.map(({ state_desc, permission_name, grantee }) => {
    const withOption = String(state_desc) === 'GRANT_WITH_GRANT_OPTION';
    const verb = withOption ? 'GRANT' : String(state_desc);
    return `${verb} ${permission_name} ON ${quoteTable(on)} TO ${quoteName(String(grantee))}${withOption ? ' WITH GRANT OPTION' : ''};`;
  });
}

/** Gives the shadow the rights that people have on the table. Returns the statements that this login may not run. */
export async function copyGrants(client: SqlClient, { table, shadow }: Swap): Promise<string[]> {
  const [grants, wanted] = [await readGrants(client, table, shadow), await readGrants(client, table, table)];
  const refused: string[] = [];
  for (const [index, grant] of grants.entries()) {
    try {
      await client.batch(grant);
    } catch (error) {
      const refusal = client.describe(error);
      if (refusal.code !== 'warehouse.refused') throw refusal;
      refused.push(wanted[index] ?? grant);
    }
  }
  return refused;
}

/** What a swap takes away from a table, in sentences. Throws `warehouse.refused` if the table cannot be replaced at all. */
export async function lostBySwap(
  client: SqlClient,
  table: WarehouseTable,
  dialect: Dialect,
): Promise<string[]> {
  const lost: string[] = [];
  const { rows } = await client.batch(`SELECT name FROM sys.columns WHERE object_id = ${objectId(table)};`);
  if (rows.length === 0) return [];
  const known = new Set(
    [table.identity, ...table.columns.map(({ name }) => name)].map((name) => name?.toLowerCase()),
  );
  const others = rows.map(({ name }) => String(name)).filter((name) => !known.has(name.toLowerCase()));
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
  const name = fullName(table);
  const bound = await client.batch(
    `SELECT OBJECT_NAME(referencing_id) AS name FROM sys.sql_expression_dependencies WHERE is_schema_bound_reference = 1 AND referenced_id = ${objectId(table)};`,
  );
  if (bound.rows.length > 0)
    throw new TributaryError(
      'warehouse.refused',
      `${client.name}: ${name} cannot be replaced, because ${bound.rows.map((row) => row.name).join(', ')} is bound to it: drop that view, rebuild, and make the view again.`,
    );
  const lost: string[] = [];
  const indexes = await client.batch(
    `SELECT name FROM sys.indexes WHERE type = 2 AND object_id = ${objectId(table)};`,
  );
  if (indexes.rows.length > 0)
    lost.push(`The nonclustered indexes ${indexes.rows.map((row) => row.name).join(', ')} are dropped.`);
  const grants = await readGrants(client, table, table);
  if (grants.length > 0 && !(await mayGrant(client, table)))
    lost.push(
      `Rights on the table are lost, because this login may not grant them again: ${grants.join(' ')}`,
    );
  return lost;
}

async function mayGrant(client: SqlClient, table: WarehouseTable): Promise<boolean> {
  const { rows } = await client.batch(
    `SELECT CAST(HAS_PERMS_BY_NAME(${quoteText(fullName(table))}, 'OBJECT', 'CONTROL') AS int) AS may;`,
  );
  return Number(rows[0]?.may) === 1;
}
