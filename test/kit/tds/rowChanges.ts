import type { SqlRow, SqlTable } from './engine';
import { SqlError } from './syntax';

/** Undoes an UPDATE or DELETE, even if other sessions have added rows since. `changed` has each changed row and its replacement. */
export function takeBack(table: SqlTable, changed: ReadonlyMap<SqlRow, SqlRow | undefined>): void {
  const before = new Map([...changed].flatMap(([row, after]) => (after ? [[after, row] as const] : [])));
  const deleted = [...changed].flatMap(([row, after]) => (after ? [] : [row]));
  table.rows = [...deleted, ...table.rows.map((row) => before.get(row) ?? row)];
}

/** Throws a SqlError if rows to be added have the primary key of another row. */
export function refuseDoubled({ primaryKey, rows }: SqlTable, added: readonly SqlRow[]): void {
  if (!primaryKey) return;
  const keyOf = (row: SqlRow) => JSON.stringify(primaryKey.map((name) => String(row[name])));
  const keys = new Set(rows.map(keyOf));
  for (const row of added) {
    if (keys.has(keyOf(row)))
      throw new SqlError(
        2627,
        `Violation of PRIMARY KEY constraint. The duplicate key value is ${keyOf(row)}.`,
      );
    keys.add(keyOf(row));
  }
}
