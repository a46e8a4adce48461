import { codePageOf } from './codePages';
import { convert } from './columnTypes';
import type { Engine, LockOwner, SqlTable } from './engine';
import { SqlError, type Statement } from './syntax';

/*
 * Runs statements that define objects. A pool refuses them inside a transaction; SQL Server undoes them with the transaction.
 */

type Of<Kind extends Statement['kind']> = Statement & { readonly kind: Kind };

/** Runs a statement that defines something. Returns a function that undoes it. */
export async function define(engine: Engine, session: LockOwner, statement: Statement): Promise<() => void> {
  if (statement.kind === 'createSchema') return createSchema(engine, statement);
  if (statement.kind === 'createTable') return createTable(engine, statement);
  if (statement.kind === 'addColumns') return addColumns(engine, session, statement);
  if (statement.kind === 'addKey') return addKey(engine, session, statement);
  if (statement.kind === 'rename') return rename(engine, statement);
  if (statement.kind === 'drop') return drop(engine, session, statement);
  if (statement.kind === 'createView') return createView(engine, statement);
  if (statement.kind === 'grant') return grant(engine, statement);
  throw new SqlError(103010, `Parse error near ${statement.kind}.`);
}

function grant(engine: Engine, { table: name, state, permission, column, grantee }: Of<'grant'>): () => void {
  const { grants, columns } = engine.table(name);
  if (column !== undefined && !columns.some((one) => one.name === column))
    throw new SqlError(1911, `Column name '${column}' does not exist in the target table.`);
  if (!engine.mayGrant) throw new SqlError(15151, `Cannot find the object '${name}'.`);
  const before = grants.splice(0);
  const isSame = (one: (typeof grants)[number]) =>
    one.permission === permission && one.grantee === grantee && one.column === column;
  grants.push(...before.filter((one) => !isSame(one)), {
    ...{ state, permission, grantee },
    ...(column !== undefined && { column }),
  });
  return () => grants.splice(0, grants.length, ...before);
}

function createSchema({ schemas }: Engine, { schema }: Of<'createSchema'>): () => void {
  if (schemas.has(schema)) throw new SqlError(2714, `There is already an object named '${schema}'.`);
  schemas.add(schema);
  return () => schemas.delete(schema);
}

function createView(engine: Engine, { view }: Of<'createView'>): () => void {
  if (engine.idOf(view) !== undefined)
    throw new SqlError(2714, `There is already an object named '${view}'.`);
  engine.views.set(view, engine.newId());
  return () => engine.views.delete(view);
}

function createTable(engine: Engine, statement: Of<'createTable'>): () => void {
  const { tables, schemas, options } = engine;
  const { table: name, columns, primaryKey, layout } = statement;
  if ((layout !== undefined) !== (options.dialect === 'pool'))
    throw new SqlError(102, 'DISTRIBUTION is for dedicated pools, where it is told here.');
  if (primaryKey && options.dialect === 'pool')
    throw new SqlError(104467, 'Enforced unique constraints are not supported.');
  if (engine.idOf(name) !== undefined)
    throw new SqlError(2714, `There is already an object named '${name}'.`);
  if (!schemas.has(name.split('.')[0] ?? '')) throw new SqlError(2760, 'The schema does not exist.');
  for (const [, named] of `${layout?.distribution} ${layout?.index}`.matchAll(/\[(\w+)\]/g))
    if (!columns.some((column) => column.name === named))
      throw new SqlError(1911, `Column name '${named}' does not exist in the target table.`);
  for (const { type, collation = engine.collation } of columns) convert(null, type, codePageOf(collation));
  tables.set(name, engine.newTable(columns, primaryKey, layout));
  return () => tables.delete(name);
}

async function addColumns(
  engine: Engine,
  session: LockOwner,
  statement: Of<'addColumns'>,
): Promise<() => void> {
  const { table: name, columns } = statement;
  const refusal = engine.alterRefusal;
  if (refusal) throw new SqlError(refusal.number, refusal.message);
  if (!engine.tables.has(name))
    throw new SqlError(
      4902,
      `Cannot find the object "${name}" because it does not exist or you do not have permissions.`,
    );
  await engine.lock(name, session, session.options.lockTimeout);
  const table = engine.table(name);
  const before = table.columns;
  for (const column of columns) {
    convert(null, column.type, codePageOf(column.collation ?? engine.collation));
    if (before.some((one) => one.name === column.name))
      throw new SqlError(
        2705,
        `Column names in each table must be unique. Column name '${column.name}' in table '${name}' is specified more than once.`,
      );
    if (!column.nullable && table.rows.length > 0)
      throw new SqlError(4901, `Column '${column.name}' cannot be added to a table with rows.`);
  }
  table.columns = [...before, ...columns];
  for (const row of table.rows) for (const column of columns) row[column.name] = null;
  return () => {
    table.columns = before;
  };
}

async function addKey(
  engine: Engine,
  session: LockOwner,
  { table: name, columns }: Of<'addKey'>,
): Promise<() => void> {
  const { alterRefusal: refusal, options } = engine;
  if (refusal) throw new SqlError(refusal.number, refusal.message);
  if (options.dialect === 'pool')
    throw new SqlError(104467, 'Enforced unique constraints are not supported.');
  await engine.lock(name, session, session.options.lockTimeout);
  const table = engine.table(name);
  if (table.primaryKey) throw new SqlError(1779, `Table '${name}' already has a primary key defined on it.`);
  const keys = table.rows.map((row) => JSON.stringify(columns.map((column) => String(row[column]))));
  if (new Set(keys).size < keys.length)
    throw new SqlError(1505, 'CREATE UNIQUE INDEX terminated because a duplicate key was found.');
  table.primaryKey = columns;
  return () => {
    table.primaryKey = undefined;
  };
}

function rename(engine: Engine, { table: name, to, by }: Of<'rename'>): () => void {
  const { tables, options } = engine;
  if ((by === 'statement') !== (options.dialect === 'pool'))
    throw new SqlError(102, 'RENAME OBJECT is for dedicated pools, sp_rename for the others.');
  const fresh = `${name.split('.')[0]}.${to}`;
  if (tables.has(fresh)) throw new SqlError(15335, `The name ${fresh} is in use.`);
  const table = engine.table(name);
  refuseIfBound(name, table, 15336);
  tables.delete(name);
  tables.set(fresh, table);
  return () => {
    tables.delete(fresh);
    tables.set(name, table);
  };
}

function refuseIfBound(name: string, table: SqlTable, number: number): void {
  const bound = [...table.boundViews, ...table.policies];
  if (bound.length > 0) throw new SqlError(number, `Object '${name}' is bound by ${bound.join(', ')}.`);
}

async function drop(engine: Engine, session: LockOwner, { table: name }: Of<'drop'>): Promise<() => void> {
  engine.table(name);
  await engine.lock(name, session, session.options.lockTimeout);
  const table = engine.table(name);
  refuseIfBound(name, table, 3729);
  engine.tables.delete(name);
  return () => engine.tables.set(name, table);
}
