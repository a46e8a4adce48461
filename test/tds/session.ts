import { gunzipSync } from 'node:zlib';
import { convert } from './columnTypes';
import type { Answer, Engine, SqlRow, SqlTable } from './engine';
import { parseBatch } from './parse';
import {
  type Condition,
  type Expression,
  type Select,
  SqlError,
  type SqlValue,
  type Statement,
} from './syntax';
import type { WireType } from './wire';

/** One connection. */
export class Session {
  readonly #engine: Engine;
  #undo: (() => void)[] | undefined;
  #transactionId = 0n;
  #variables = new Map<string, SqlValue>();
  #xactAbort: boolean;
  ended = false;
  /** Called around every commit; may end the session. */
  onCommit: (phase: 'before' | 'after') => void = () => {};

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#xactAbort = engine.options.dialect === 'pool';
  }

  get inTransaction(): boolean {
    return this.#undo !== undefined;
  }

  /** Runs a batch; every answer is handed over as it comes. Throws SqlError after ending the transaction, where it must. */
  async run(text: string, answer: (one: Answer) => void): Promise<void> {
    this.#variables = new Map();
    // Statements are checked before any of them runs, as in a real server.
    const statements = parseBatch(text);
    try {
      for (const statement of statements) await this.#execute(statement, answer);
    } catch (error) {
      if (this.#xactAbort && this.#undo) answer(this.rollback());
      throw error;
    } finally {
      if (!this.#undo) this.#engine.release(this);
    }
  }

  begin(): Answer {
    if (this.#undo) throw new SqlError(104477, 'Nested transactions are not supported.');
    this.#undo = [];
    this.#transactionId = ++this.#engine.transactions;
    return { kind: 'transaction', change: 'begun', id: this.#transactionId };
  }

  commit(): Answer {
    if (!this.#undo)
      throw new SqlError(3902, 'The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION.');
    this.onCommit('before');
    if (this.ended) throw new SqlError(596, 'The session has ended.');
    this.#undo = undefined;
    this.#engine.release(this);
    this.onCommit('after');
    return { kind: 'transaction', change: 'committed', id: this.#transactionId };
  }

  rollback(): Answer {
    if (!this.#undo)
      throw new SqlError(
        111214,
        'An attempt to complete a transaction has failed. No corresponding transaction found.',
      );
    for (const undo of this.#undo.reverse()) undo();
    this.#undo = undefined;
    this.#engine.release(this);
    return { kind: 'transaction', change: 'rolledBack', id: this.#transactionId };
  }

  /** The connection is gone. */
  end(): void {
    this.ended = true;
    if (this.#undo) this.rollback();
    this.#engine.release(this);
  }

  async #execute(statement: Statement, answer: (one: Answer) => void): Promise<void> {
    if (this.ended) throw new SqlError(596, 'The session has ended.');
    switch (statement.kind) {
      case 'set':
        return this.#set(statement.words);
      case 'begin':
        return answer(this.begin());
      case 'commit':
        return answer(this.commit());
      case 'rollback':
        return answer(this.rollback());
      case 'block':
        for (const one of statement.body) await this.#execute(one, answer);
        return;
      case 'if': {
        const branch = this.#holds(statement.condition, {}) ? statement.body : statement.otherwise;
        if (branch) await this.#execute(branch, answer);
        return;
      }
      case 'declare':
        this.#variables.set(statement.name, this.#evaluate(statement.value, {}));
        return;
      case 'select':
        return answer(this.#answerSelect(statement.select));
      case 'update':
      case 'delete':
        return answer({ kind: 'done', touched: await this.#change(statement) });
      case 'insert':
        return answer({ kind: 'done', touched: this.#insert(statement) });
      case 'execute':
        for (const one of parseBatch(statement.text)) await this.#execute(one, answer);
        return;
      default:
        await this.#define(statement);
        return answer({ kind: 'done', touched: 0 });
    }
  }

  #set(words: readonly string[]): void {
    const text = words.join(' ');
    if (text === 'XACT_ABORT ON') this.#xactAbort = true;
    const isolation = /^TRANSACTION ISOLATION LEVEL (.*)$/.exec(text)?.[1];
    if (isolation !== undefined) this.checkIsolation(isolation);
  }

  checkIsolation(level: string): void {
    if (this.#engine.options.dialect === 'pool' && level !== 'READ UNCOMMITTED')
      throw new SqlError(104485, `Transaction isolation level ${level} is not supported.`);
  }

  /** DDL: refused inside a transaction of a pool. */
  async #define(statement: Statement): Promise<void> {
    const { dialect, fetchStaged } = this.#engine.options;
    const { tables, schemas } = this.#engine;
    if (this.#undo && dialect === 'pool')
      throw new SqlError(104434, 'DDL and COPY are not supported inside a transaction.');
    switch (statement.kind) {
      case 'createSchema':
        schemas.add(statement.schema);
        return;
      case 'createTable': {
        if (statement.distributed !== (dialect === 'pool'))
          throw new SqlError(102, 'DISTRIBUTION is for dedicated pools, where it is told here.');
        if (tables.has(statement.table))
          throw new SqlError(2714, `There is already an object named ${statement.table}.`);
        if (!schemas.has(statement.table.split('.')[0] ?? ''))
          throw new SqlError(2760, 'The schema does not exist.');
        for (const { type } of statement.columns) convert(null, type);
        tables.set(statement.table, { columns: statement.columns, rows: [] });
        return;
      }
      case 'drop':
        this.#table(statement.table);
        tables.delete(statement.table);
        return;
      case 'rename': {
        if ((statement.by === 'statement') !== (dialect === 'pool'))
          throw new SqlError(102, 'RENAME OBJECT is for dedicated pools, sp_rename for the others.');
        const fresh = `${statement.table.split('.')[0]}.${statement.to}`;
        if (tables.has(fresh)) throw new SqlError(15335, `The name ${fresh} is in use.`);
        tables.set(fresh, this.#table(statement.table));
        tables.delete(statement.table);
        return;
      }
      case 'copy': {
        if (dialect !== 'pool') throw new SqlError(102, 'Incorrect syntax near COPY.');
        const bytes = await fetchStaged?.(statement.url);
        if (!bytes) throw new SqlError(13807, 'Content of directory on path cannot be listed.');
        const table = this.#table(statement.table);
        for (const fields of readCsv(gunzipSync(bytes).toString('utf8')))
          this.#addRow(table, statement.columns, fields);
        return;
      }
    }
  }

  #table(name: string): SqlTable {
    const table = this.#engine.tables.get(name);
    if (table) return table;
    throw new SqlError(208, `Invalid object name '${name}'.`);
  }

  async #change(statement: Statement & { kind: 'update' | 'delete' }): Promise<number> {
    this.#table(statement.table);
    await this.#engine.lock(statement.table, this);
    const table = this.#table(statement.table);
    const before = table.rows;
    const isHit = (row: SqlRow) => statement.where === undefined || this.#holds(statement.where, row);
    let touched = 0;
    if (statement.kind === 'delete') {
      table.rows = before.filter((row) => !isHit(row));
      touched = before.length - table.rows.length;
    } else {
      table.rows = before.map((row) => {
        if (!isHit(row)) return row;
        touched++;
        const changed = { ...row };
        for (const [name, value] of statement.set)
          changed[name] = this.#store(table, name, this.#evaluate(value, row));
        return changed;
      });
    }
    this.#undo?.push(() => {
      table.rows = before;
    });
    return touched;
  }

  #insert(statement: Statement & { kind: 'insert' }): number {
    const table = this.#table(statement.table);
    const before = table.rows;
    // A copy on the first change of a transaction would be slow for many rows: they are cut off again instead.
    const length = before.length;
    this.#undo?.push(() => {
      before.length = length;
    });
    try {
      for (const select of statement.selects) {
        for (const values of this.#rowsOf(select)) this.#addRow(table, statement.columns, values);
      }
    } catch (error) {
      before.length = length;
      throw error;
    }
    return table.rows.length - length;
  }

  #addRow(table: SqlTable, columns: readonly string[], values: readonly SqlValue[]): void {
    if (values.length !== columns.length)
      throw new SqlError(110, 'There are more or fewer columns than values.');
    const row: SqlRow = {};
    for (const { name, identity } of table.columns)
      row[name] = identity ? BigInt(table.rows.length * 7 + 1) : null;
    for (const [index, name] of columns.entries())
      row[name] = this.#store(table, name, values[index] ?? null);
    table.rows.push(row);
  }

  #store(table: SqlTable, name: string, value: SqlValue): SqlValue {
    const column = table.columns.find((one) => one.name === name);
    if (!column) throw new SqlError(207, `Invalid column name '${name}'.`);
    if (column.identity) throw new SqlError(544, 'Cannot insert explicit value for identity column.');
    return convert(value, column.type);
  }

  #rowsOf(select: Select): SqlValue[][] {
    const values = (row: SqlRow) =>
      select.items.flatMap(({ value }) =>
        value === '*' ? Object.values(row) : [this.#evaluate(value, row)],
      );
    const isHit = (row: SqlRow) => select.where === undefined || this.#holds(select.where, row);
    if (select.from === undefined) return isHit({}) ? [values({})] : [];
    if (select.from.startsWith('sys.')) return this.#systemRows(select.from).filter(isHit).map(values);
    const table = this.#table(select.from);
    const hits = select.where === undefined ? table.rows : table.rows.filter(isHit);
    const counts = select.items.length === 1 && isCount(select.items[0]?.value);
    return counts ? [[hits.length]] : hits.map(values);
  }

  #systemRows(name: string): SqlRow[] {
    if (name === 'sys.schemas') return [...this.#engine.schemas].map((schema) => ({ name: schema }));
    if (name === 'sys.objects') return [...this.#engine.tables.keys()].map((table) => ({ object_id: table }));
    throw new SqlError(208, `Invalid object name '${name}'.`);
  }

  #answerSelect(select: Select): Answer {
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
    return { kind: 'rows', columns, rows: this.#rowsOf(select) };
  }

  #evaluate(expression: Expression, row: SqlRow): SqlValue {
    switch (expression.kind) {
      case 'constant':
        return expression.value;
      case 'cast':
        return convert(this.#evaluate(expression.value, row), expression.type);
      case 'column': {
        const value = row[expression.name];
        if (value === undefined) throw new SqlError(207, `Invalid column name '${expression.name}'.`);
        return value;
      }
      case 'variable':
        return this.#variables.get(expression.name) ?? null;
      case 'concat':
        return expression.parts.map((part) => String(this.#evaluate(part, row) ?? '')).join('');
      case 'query':
        return this.#rowsOf(expression.select)[0]?.[0] ?? null;
      case 'call':
        return this.#callFunction(
          expression.name,
          expression.args.map((arg) => this.#evaluate(arg, row)),
        );
    }
  }

  #callFunction(name: string, args: readonly SqlValue[]): SqlValue {
    if (name === 'CHAR' || name === 'NCHAR') return String.fromCharCode(Number(args[0]));
    if (name === 'OBJECT_ID') return String(args[0]).toLowerCase();
    if (name === 'SERVERPROPERTY' && args[0] === 'EngineEdition')
      return this.#engine.options.dialect === 'pool' ? 6 : 3;
    throw new SqlError(104162, `'${name}' is not a recognized built-in function name.`);
  }

  #holds(condition: Condition, row: SqlRow): boolean {
    switch (condition.kind) {
      case 'and':
        return condition.conditions.every((one) => this.#holds(one, row));
      case 'not':
        return !this.#holds(condition.condition, row);
      case 'exists':
        return this.#rowsOf(condition.select).length > 0;
      case 'compare': {
        const left = this.#evaluate(condition.left, row);
        const right = this.#evaluate(condition.right, row);
        if (left === null || right === null) return false;
        if (condition.operator === 'LIKE') return String(left).startsWith(String(right).replace(/%$/, ''));
        // SQL compares 1 with 1n, and text with text.
        const [a, b] = typeof left === 'string' ? [left, String(right)] : [BigInt(left), BigInt(right)];
        if (condition.operator === '=') return a === b;
        if (condition.operator === '>=') return a >= b;
        throw new SqlError(103010, `Parse error near "${condition.operator}".`);
      }
    }
  }
}

const isCount = (value: Expression | '*' | undefined) =>
  value !== undefined && value !== '*' && value.kind === 'call' && value.name === 'COUNT';

function wireType(type: string): WireType {
  if (type === 'int' || type === 'smallint' || type === 'bit') return 'int';
  if (type === 'bigint' || type.startsWith('datetime')) return 'bigint';
  return type === 'float' ? 'float' : 'text';
}

/** Rows of fields; an empty one is null, quoted or not, and a line break always ends a row. */
function* readCsv(text: string): Iterable<(string | null)[]> {
  for (const line of text.split('\n').slice(0, -1)) {
    const fields: (string | null)[] = [];
    const pattern = /(?:"((?:[^"]|"")*)"|([^,"]*))(,|$)/y;
    for (let more = true; more; ) {
      const found = pattern.exec(line);
      if (!found) throw new SqlError(13812, 'Bulk load data conversion error.');
      const value = found[1]?.replaceAll('""', '"') ?? found[2] ?? '';
      fields.push(value === '' ? null : value);
      more = found[3] === ',';
    }
    yield fields;
  }
}
