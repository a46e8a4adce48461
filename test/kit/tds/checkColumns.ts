import type { SqlTable } from './engine';
import { type Condition, type Expression, type Select, SqlError, type Statement } from './syntax';

type Tables = ReadonlyMap<string, SqlTable>;

/** The columns that a name may refer to; undefined if the table does not exist yet or is a system table. */
type Scope = ReadonlySet<string> | undefined;

/**
 * Refuses a batch if it names a column that its table does not have. A real server compiles the batch first, so this is done before any
 * statement runs. A missing table is only noticed when its statement runs.
 */
export function checkColumns(statements: readonly Statement[], tables: Tables): void {
  for (const statement of statements) new ColumnCheck(tables).statement(statement);
}

class ColumnCheck {
  readonly #tables: Tables;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  statement(statement: Statement): void {
    switch (statement.kind) {
      case 'block':
        for (const one of statement.body) this.statement(one);
        return;
      case 'if':
        this.#condition(statement.condition, new Set());
        this.statement(statement.body);
        if (statement.otherwise) this.statement(statement.otherwise);
        return;
      case 'declare':
        this.#expression(statement.value, new Set());
        return;
      case 'select':
        this.#select(statement.select);
        return;
      case 'insert':
        for (const name of statement.columns) refuseUnknown(name, this.#scopeOf(statement.table));
        for (const select of statement.selects) this.#select(select);
        return;
      case 'update':
      case 'delete': {
        const scope = this.#scopeOf(statement.table);
        for (const [name, value] of statement.kind === 'update' ? statement.set : []) {
          refuseUnknown(name, scope);
          this.#expression(value, scope);
        }
        if (statement.where) this.#condition(statement.where, scope);
      }
    }
  }

  #scopeOf(table: string): Scope {
    const found = this.#tables.get(table);
    return found && new Set(found.columns.map(({ name }) => name));
  }

  #select({ items, from, where, groupBy = [] }: Select): void {
    const scope = from === undefined ? new Set<string>() : this.#scopeOf(from);
    for (const { value } of items) if (value !== '*') this.#expression(value, scope);
    if (where) this.#condition(where, scope);
    for (const by of groupBy) this.#expression(by, scope);
  }

  #condition(condition: Condition, scope: Scope): void {
    if ('conditions' in condition) for (const one of condition.conditions) this.#condition(one, scope);
    else if (condition.kind === 'not') this.#condition(condition.condition, scope);
    else if (condition.kind === 'null') this.#expression(condition.value, scope);
    else if (condition.kind === 'exists') this.#select(condition.select);
    else for (const side of [condition.left, condition.right]) this.#expression(side, scope);
  }

  #expression(expression: Expression, scope: Scope): void {
    if (expression.kind === 'column') refuseUnknown(expression.name, scope);
    else if (expression.kind === 'cast') this.#expression(expression.value, scope);
    else if (expression.kind === 'query') this.#select(expression.select);
    else if (expression.kind === 'concat') for (const part of expression.parts) this.#expression(part, scope);
    else if (expression.kind === 'call')
      // The first argument of DATEDIFF is a keyword and not an expression.
      for (const arg of expression.args.slice(expression.name === 'DATEDIFF' ? 1 : 0))
        this.#expression(arg, scope);
  }
}

function refuseUnknown(name: string, scope: Scope): void {
  if (scope && !scope.has(name)) throw new SqlError(207, `Invalid column name '${name}'.`);
}
