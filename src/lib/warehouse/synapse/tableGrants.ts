import type { WarehouseTable } from '../../streams/stream';
import { fullName, type Swap } from '../warehouse';
import { quoteName, quoteText } from './literals';
import type { SqlClient } from './sqlClient';
import { isColumn, objectId, quoteTable } from './tables';

/*
 * Copies the rights that people have on a table of a dedicated pool. When tables are renamed, rights stay with the old table, so the new
 * one must get the same rights.
 */

interface Grant {
  /** GRANT, DENY or REVOKE. */
  readonly verb: string;
  readonly permission: string;
  /** The name of a column, if the right is on that column only. */
  readonly column: string | undefined;
  /** Undefined if the login may not see whose right it is. */
  readonly grantee: string | undefined;
  readonly withOption: boolean;
}

/** The rights on a table. Those on the whole table come first, because granting them takes back earlier ones on its columns. */
async function readGrants(client: SqlClient, table: WarehouseTable): Promise<Grant[]> {
  const { rows } = await client.batch(
    `SELECT state_desc, permission_name, minor_id, USER_NAME(grantee_principal_id) AS grantee FROM sys.database_permissions WHERE class = 1 AND major_id = ${objectId(table)};`,
  );
  if (rows.length === 0) return [];
  const columns = await client.batch(
    `SELECT name, column_id FROM sys.columns WHERE object_id = ${objectId(table)};`,
  );
  const nameOf = (id: unknown) =>
    columns.rows.find(({ column_id }) => Number(column_id) === Number(id))?.name;
  return rows
    .sort((a, b) => Number(a.minor_id) - Number(b.minor_id))
    .map(({ state_desc, permission_name, minor_id, grantee }) => {
      const withOption = String(state_desc) === 'GRANT_WITH_GRANT_OPTION';
      return {
        verb: withOption ? 'GRANT' : String(state_desc),
        permission: String(permission_name),
        column: Number(minor_id) === 0 ? undefined : String(nameOf(minor_id)),
        grantee: typeof grantee === 'string' ? grantee : undefined,
        withOption,
      };
    });
}

function statementOf({ verb, permission, column, grantee, withOption }: Grant, on: WarehouseTable): string {
  const of = column === undefined ? '' : ` (${quoteName(column)})`;
  const whom = grantee === undefined ? '(somebody whom this login may not see)' : quoteName(grantee);
  return `${verb} ${permission} ON ${quoteTable(on)}${of} TO ${whom}${withOption ? ' WITH GRANT OPTION' : ''};`;
}

/** Gives the shadow the rights that people have on the table. Returns the statements that this login may not run. */
export async function copyGrants(client: SqlClient, { table, shadow }: Swap): Promise<string[]> {
  const refused: string[] = [];
  for (const grant of await readGrants(client, table)) {
    if (!isKept(grant, table)) refused.push(statementOf(grant, table));
    else
      try {
        await client.batch(statementOf(grant, shadow));
      } catch (error) {
        const refusal = client.describe(error);
        if (refusal.code !== 'warehouse.refused') throw refusal;
        refused.push(statementOf(grant, table));
      }
  }
  return refused;
}

/** Whether a right can be copied. It cannot if the new table has no such column, or if it is unknown whose right it is. */
const isKept = ({ column, grantee }: Grant, table: WarehouseTable): boolean =>
  grantee !== undefined && (column === undefined || isColumn(table, column));

/** A sentence if the login cannot see the rights of others, because these are lost then. */
export async function unseenGrants(client: SqlClient): Promise<string[]> {
  return (await hasRight(client, 'NULL', 'DATABASE', 'VIEW DEFINITION'))
    ? []
    : [
        'Rights of others on the table are lost, because this login cannot see them: it lacks VIEW DEFINITION in the database, which deploy/sql/loader.sql grants.',
      ];
}

/** The rights that `copyGrants` cannot give, in sentences. */
export async function lostGrants(client: SqlClient, table: WarehouseTable): Promise<string[]> {
  const lost = await unseenGrants(client);
  const grants = await readGrants(client, table);
  const statements = (some: readonly Grant[]) => some.map((grant) => statementOf(grant, table)).join(' ');
  const kept = grants.filter((grant) => isKept(grant, table));
  if (kept.length > 0 && !(await hasRight(client, quoteText(fullName(table)), 'OBJECT', 'CONTROL')))
    lost.push(
      `Rights on the table are lost, because this login may not grant them again: ${statements(kept)}`,
    );
  const others = grants.filter((grant) => !isKept(grant, table));
  if (others.length > 0) lost.push(`Rights are lost that the new table cannot have: ${statements(others)}`);
  return lost;
}

/** @param on the name of the securable as a text of SQL */
export async function hasRight(
  client: SqlClient,
  on: string,
  kind: 'DATABASE' | 'OBJECT',
  right: string,
): Promise<boolean> {
  const { rows } = await client.batch(
    `SELECT CAST(HAS_PERMS_BY_NAME(${on}, '${kind}', '${right}') AS int) AS may;`,
  );
  return Number(rows[0]?.may) === 1;
}
