import { SqlError, type Statement } from './syntax';

/**
 * The rights of a login, like `INSERT clickstream` on a schema, or `CREATE TABLE` in the database. System views may always be read.
 */
export type Rights = ReadonlySet<string>;

/** The rights that a script of GRANT statements gives. */
export function rightsOf(script: string): Rights {
  const rights = new Set<string>();
  for (const [, names = '', schema] of script.matchAll(/^GRANT ([A-Z, ]+?)(?: ON SCHEMA::(\w+))? TO /gm))
    for (const name of names.split(','))
      rights.add(`${name.trim()}${schema === undefined ? '' : ` ${schema}`}`);
  return rights;
}

/** Throws the error of a real server if a right is missing for a statement. */
export function checkRights(rights: Rights, statement: Statement): void {
  const missing = neededFor(statement).find((right) => !rights.has(right));
  if (missing === undefined) return;
  const number = /^CREATE|^ADMINISTER/.test(missing) ? 262 : missing.startsWith('ALTER') ? 1088 : 229;
  throw new SqlError(number, `The permission ${missing} was denied.`);
}

const schemaOf = (name: string) => name.split('.')[0] ?? '';

/** What a statement needs itself. Those in it are checked when they run. */
function neededFor(statement: Statement): string[] {
  switch (statement.kind) {
    case 'select':
      return reading(statement.select.from);
    case 'insert':
      return [
        `INSERT ${schemaOf(statement.table)}`,
        ...statement.selects.flatMap(({ from }) => reading(from)),
      ];
    case 'insertBulk':
      return [`INSERT ${schemaOf(statement.table)}`];
    case 'update':
    case 'delete':
      return [
        `${statement.kind.toUpperCase()} ${schemaOf(statement.table)}`,
        ...(statement.where ? reading(statement.table) : []),
      ];
    case 'createSchema':
      return ['CREATE SCHEMA'];
    case 'createTable':
      return ['CREATE TABLE', `ALTER ${schemaOf(statement.table)}`];
    case 'createView':
      return ['CREATE VIEW', `ALTER ${schemaOf(statement.view)}`];
    case 'addColumns':
    case 'drop':
    case 'rename':
      return [`ALTER ${schemaOf(statement.table)}`];
    case 'copy':
      return ['ADMINISTER DATABASE BULK OPERATIONS', `INSERT ${schemaOf(statement.table)}`];
    default:
      return [];
  }
}

const reading = (table: string | undefined): string[] =>
  table === undefined || table.startsWith('sys.') ? [] : [`SELECT ${schemaOf(table)}`];
