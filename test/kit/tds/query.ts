import { aggregate, isAggregated, isCount } from './aggregates';
import { codePageOf } from './codePages';
import { convert } from './columnTypes';
import type { Answer, Engine, SqlRow } from './engine';
import { PartParser } from './parseParts';
import { hasPermission, isMember, myPermissions } from './rights';
import { type Condition, type Expression, type Select, SqlError, type SqlValue } from './syntax';
import { systemRows } from './systemViews';
import type { WireType } from './wire';

/** Answers queries, and evaluates expressions and conditions. It changes nothing. */
export class Query {
  readonly #engine: Engine;
  /** The variables of the running batch. */
  readonly variables = new Map<string, SqlValue>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  rowsOf(select: Select): SqlValue[][] {
    const values = (row: SqlRow) =>
      select.items.flatMap(({ value }) => (value === '*' ? Object.values(row) : [this.evaluate(value, row)]));
    const isHit = (row: SqlRow) => select.where === undefined || this.holds(select.where, row);
    if (select.from === undefined) return isHit({}) ? [values({})] : [];
    if (select.args) {
      const args = select.args.map((arg) => this.evaluate(arg, {}));
      if (select.from !== 'fn_my_permissions')
        throw new SqlError(208, `Invalid object name '${select.from}'.`);
      return myPermissions(this.#engine, args).filter(isHit).map(values);
    }
    if (select.from.startsWith('sys.'))
      return systemRows(this.#engine, select.from).filter(isHit).map(values);
    const table = this.#engine.table(select.from);
    const hits = select.where === undefined ? table.rows : table.rows.filter(isHit);
    return isAggregated(select) ? aggregate(select, hits, this) : hits.map(values);
  }

  answerSelect(select: Select): Omit<Answer & { kind: 'rows' }, 'counted'> {
    const source = select.from === undefined ? undefined : this.#engine.tables.get(select.from);
    const columns = select.items.flatMap(({ value, name }) => {
      if (value === '*')
        return (source?.columns ?? []).map((column) => ({ name: column.name, type: wireType(column.type) }));
      const column =
        value.kind === 'column' ? source?.columns.find((one) => one.name === value.name) : undefined;
      const type =
        isCount(value) || value.kind === 'variable'
          ? 'int'
          : value.kind === 'cast'
            ? wireType(value.type)
            : column
              ? wireType(column.type)
              : 'text';
      return [{ name, type } as const];
    });
    return { kind: 'rows', columns, rows: this.rowsOf(select) };
  }

  cast(value: SqlValue, type: string): SqlValue {
    return convert(value, type, codePageOf(this.#engine.collation));
  }

  evaluate(expression: Expression, row: SqlRow): SqlValue {
    switch (expression.kind) {
      case 'constant':
        return expression.value;
      case 'cast':
        return this.cast(this.evaluate(expression.value, row), expression.type);
      case 'column': {
        const value = row[expression.name];
        if (value === undefined) throw new SqlError(207, `Invalid column name '${expression.name}'.`);
        return value;
      }
      case 'variable':
        return this.variables.get(expression.name) ?? null;
      case 'concat':
        return expression.parts.map((part) => String(this.evaluate(part, row) ?? '')).join('');
      case 'query':
        return this.rowsOf(expression.select)[0]?.[0] ?? null;
      case 'call':
        return this.#callFunction(
          expression.name,
          // The first argument of DATEDIFF is a keyword and not an expression.
          expression.args.slice(expression.name === 'DATEDIFF' ? 1 : 0).map((arg) => this.evaluate(arg, row)),
        );
    }
  }

  #callFunction(name: string, args: readonly SqlValue[]): SqlValue {
    if (name === 'CHAR' || name === 'NCHAR') return String.fromCharCode(Number(args[0]));
    if (name === 'SCHEMA_NAME') return String(args[0]);
    if (name === 'GETDATE') return Date.now();
    if (name === 'DATEDIFF') return String(Math.floor((Number(args[1]) - Number(args[0])) / 60_000));
    if (name === 'COLLATIONPROPERTY' && args[1] === 'CodePage')
      return args[0] === null || !this.#engine.tellsCodePages ? null : codePageOf(String(args[0]));
    if (name === 'USER_NAME' || name === 'OBJECT_NAME') return args[0] ?? null;
    if (name === 'IS_ROLEMEMBER') return isMember(this.#engine, String(args[0]));
    if (name === 'HAS_PERMS_BY_NAME') return hasPermission(this.#engine, args);
    if (name === 'OBJECT_ID') return this.#engine.idOf(new PartParser(String(args[0])).table()) ?? null;
    if (name === 'SERVERPROPERTY' && args[0] === 'ProductVersion')
      return this.#engine.options.version ?? '16.0.4000.1';
    if (name === 'SERVERPROPERTY' && args[0] === 'Babelfish') return null;
    if (name === 'SERVERPROPERTY' && args[0] === 'EngineEdition') {
      const { dialect, edition = dialect === 'pool' ? 6 : 3 } = this.#engine.options;
      return edition;
    }
    throw new SqlError(104162, `'${name}' is not a recognized built-in function name.`);
  }

  holds(condition: Condition, row: SqlRow): boolean {
    switch (condition.kind) {
      case 'and':
        return condition.conditions.every((one) => this.holds(one, row));
      case 'or':
        return condition.conditions.some((one) => this.holds(one, row));
      case 'null':
        return this.evaluate(condition.value, row) === null;
      case 'not':
        return !this.holds(condition.condition, row);
      case 'exists':
        return this.rowsOf(condition.select).length > 0;
      case 'compare': {
        const left = this.evaluate(condition.left, row);
        const right = this.evaluate(condition.right, row);
        if (left === null || right === null) return false;
        if (condition.operator === 'LIKE') return isLike(String(left), String(right));
        // SQL compares 1 with 1n, and text with text.
        const [a, b] = typeof left === 'string' ? [left, String(right)] : [BigInt(left), toNumber(right)];
        if (condition.operator === '=') return a === b;
        if (condition.operator === '<>') return a !== b;
        if (condition.operator === '>=') return a >= b;
        if (condition.operator === '<') return a < b;
        throw new SqlError(103010, `Parse error near "${condition.operator}".`);
      }
    }
  }
}

/** A number for a comparison. A text that is compared with a number is a time. */
const toNumber = (value: string | number | bigint): bigint =>
  typeof value === 'string' && value.includes('T') ? BigInt(Date.parse(`${value}Z`)) * 1000n : BigInt(value);

/** `%` is any text, `_` any character, and `[x]` one of these characters. */
function isLike(text: string, pattern: string): boolean {
  const parts = pattern.replace(/\[([^\]]+)\]|%|_|[^\w\s]/g, (found, set: string | undefined) =>
    set !== undefined
      ? `[${set.replace(/[\]\\^-]/g, '\\$&')}]`
      : found === '%'
        ? '.*'
        : found === '_'
          ? '.'
          : `\\${found}`,
  );
  return new RegExp(`^${parts}$`, 's').test(text);
}

function wireType(type: string): WireType {
  if (type === 'int' || type === 'smallint') return 'int';
  if (type === 'datetime2(6)') return 'datetime2';
  return isWireType(type) ? type : 'text';
}

const isWireType = (type: string): type is WireType =>
  ['bigint', 'bit', 'float', 'datetime', 'date'].includes(type);
