import type { Engine, Rights, SqlRow } from './engine';
import { SqlError, type SqlValue, type Statement } from './syntax';

/** A right that SQL Server does not have. SQL Server refuses the whole batch, because it parses a batch before it runs any of it. */
const ofAzureAlone = /\bADMINISTER DATABASE BULK OPERATIONS\b/;

/** The rights that a script of GRANT statements gives. Its batches are separated by GO. */
export function rightsOf(script: string, dialect: 'pool' | 'server' = 'pool'): Rights {
  const rights = new Set<string>();
  const batches = script.split(/^GO\s*$/m).filter((batch) => dialect === 'pool' || !ofAzureAlone.test(batch));
  for (const [, names = '', on] of batches
    .join('\n')
    .matchAll(/^GRANT ([A-Z, ]+?)(?: ON (?:SCHEMA::)?([\w.]+))? TO /gm))
    for (const name of names.split(',')) rights.add(`${name.trim()}${on === undefined ? '' : ` ${on}`}`);
  return rights;
}

/** A right, and the table or schema that it is for. Without one, it is a right in the database. */
type Needed = readonly [right: string, on?: string];

/** Throws the error of a real server if a right is missing for a statement. */
export function checkRights(rights: Rights, statement: Statement): void {
  const missing = neededFor(statement).find(
    ([right, on]) => !levelsOf(right, on).some((one) => rights.has(one)),
  );
  if (missing === undefined) return;
  const [right, on] = missing;
  const number = /^CREATE|^ADMINISTER/.test(right) ? 262 : right === 'ALTER' ? 1088 : 229;
  throw new SqlError(
    number,
    `The permission ${right}${on === undefined ? '' : ` ${on.startsWith('sys.') ? on : schemaOf(on)}`} was denied.`,
  );
}

/** A right on a table, and the rights that include it: the same right on its schema, and in the database. */
const levelsOf = (right: string, on: string | undefined): string[] =>
  on === undefined ? [right] : [`${right} ${on}`, `${right} ${schemaOf(on)}`, right];

/** The rights of a user who may do everything, as far as statements here need them. */
const all = ['CONTROL', 'ALTER', 'SELECT', 'INSERT', 'UPDATE', 'DELETE', 'EXECUTE', 'REFERENCES'];

/** The rows of fn_my_permissions: the rights of the login in the database, on a schema or on a table. */
export function myPermissions(
  { rights, tellsRights, schemas, tables }: Engine,
  [on, kind]: readonly SqlValue[],
): SqlRow[] {
  const name = on === null ? undefined : String(on).toLowerCase();
  const isThere =
    kind === 'DATABASE' || (kind === 'SCHEMA' ? schemas.has(name ?? '') : tables.has(name ?? ''));
  if (!isThere || !tellsRights) return [];
  const held = [...(rights ?? all)].map((one) => /^(.*?)(?: ([a-z][\w.]*))?$/.exec(one) ?? []);
  const counts = name === undefined ? [] : [name, schemaOf(name)];
  const found = held.flatMap(([, right = '', of]) =>
    of === undefined || counts.includes(of) ? [right] : [],
  );
  const names = kind === 'DATABASE' ? ['CONNECT', ...found] : found.filter((one) => !one.includes(' '));
  return [...new Set(names)].map((permission) => ({
    entity_name: name ?? 'database',
    subentity_name: '',
    permission_name: permission,
  }));
}

/** The answer of IS_ROLEMEMBER; null if there is no such role. A login that may do everything owns the database. */
export function isMember({ rights, roles }: Engine, role: string): 1 | 0 | null {
  if (
    !/^db_(?:owner|(?:deny)?data(?:reader|writer)|ddladmin|securityadmin|accessadmin|backupoperator)$/.test(
      role,
    )
  )
    return null;
  return roles.has(role) || (rights === undefined && role === 'db_owner') ? 1 : 0;
}

const schemaOf = (name: string) => name.split('.')[0] ?? '';

/** The rights that a statement itself needs. The statements inside it are checked when they run. */
function neededFor(statement: Statement): Needed[] {
  switch (statement.kind) {
    case 'select':
      return reading(statement.select.from);
    case 'insert':
      return [['INSERT', statement.table], ...statement.selects.flatMap(({ from }) => reading(from))];
    case 'insertBulk':
      return [['INSERT', statement.table]];
    case 'update':
    case 'delete':
      return [
        [statement.kind.toUpperCase(), statement.table],
        ...(statement.where ? reading(statement.table) : []),
      ];
    case 'createSchema':
      return [['CREATE SCHEMA']];
    case 'createTable':
      return [['CREATE TABLE'], ['ALTER', schemaOf(statement.table)]];
    case 'createView':
      return [['CREATE VIEW'], ['ALTER', schemaOf(statement.view)]];
    case 'addColumns':
    case 'addKey':
    case 'drop':
    case 'rename':
      return [['ALTER', statement.table]];
    case 'copy':
      return [['ADMINISTER DATABASE BULK OPERATIONS'], ['INSERT', statement.table]];
    default:
      return [];
  }
}

/** The rights to read a table. Of the system views, only `sys.sql_expression_dependencies` needs one. */
const reading = (table: string | undefined): Needed[] =>
  table === undefined || (/^(?:sys\.|fn_)/.test(table) && table !== 'sys.sql_expression_dependencies')
    ? []
    : [['SELECT', table]];

/** Whether the login can see the rights and the work of others in the database. */
export const seesOthers = ({ rights }: Engine): boolean => rights?.has('VIEW DEFINITION') ?? true;

/** The answer of HAS_PERMS_BY_NAME; null if there is no such table. */
export function hasPermission(engine: Engine, [name, kind, right]: readonly SqlValue[]): 1 | 0 | null {
  const on = name === null ? undefined : String(name).toLowerCase();
  if (kind === 'OBJECT' && on !== undefined && !on.startsWith('sys.') && !engine.tables.has(on)) return null;
  if (right === 'CONTROL') return engine.mayGrant ? 1 : 0;
  return engine.rights === undefined || levelsOf(String(right), on).some((one) => engine.rights?.has(one))
    ? 1
    : 0;
}
