import { gunzipSync } from 'node:zlib';
import { checkColumns } from './checkColumns';
import { convert } from './columnTypes';
import type { Answer, Engine, SqlRow, SqlTable } from './engine';
import { parseBatch } from './parse';
import { Query } from './query';
import { SqlError, type SqlValue, type Statement } from './syntax';

/** One connection. */
export class Session {
  readonly #engine: Engine;
  #undo: (() => void)[] | undefined;
  #transactionId = 0n;
  readonly #query: Query;
  #xactAbort: boolean;
  ended = false;
  /** Called around every commit; may end the session. */
  onCommit: (phase: 'before' | 'after') => void = () => {};

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#query = new Query(engine);
    this.#xactAbort = engine.options.dialect === 'pool';
  }

  get inTransaction(): boolean {
    return this.#undo !== undefined;
  }

  /** Runs a batch and passes on every answer. Throws a SqlError, after ending the transaction if the real server would. */
  async run(text: string, answer: (one: Answer) => void): Promise<void> {
    this.#query.variables.clear();
    // Statements are checked before any of them runs, as in a real server.
    const statements = parseBatch(text);
    try {
      checkColumns(statements, this.#engine.tables);
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

  /** Ends the session when its connection is closed. */
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
        const branch = this.#query.holds(statement.condition, {}) ? statement.body : statement.otherwise;
        if (branch) await this.#execute(branch, answer);
        return;
      }
      case 'declare':
        this.#query.variables.set(statement.name, this.#query.evaluate(statement.value, {}));
        return;
      case 'select':
        return answer(this.#query.answerSelect(statement.select));
      case 'update':
      case 'delete':
        return answer({ kind: 'done', touched: await this.#change(statement) });
      case 'insert':
        return answer({ kind: 'done', touched: this.#insert(statement) });
      case 'execute':
        return this.#executeText(statement.text, answer);
      default:
        await this.#define(statement);
        return answer({ kind: 'done', touched: 0 });
    }
  }

  async #executeText(text: string, answer: (one: Answer) => void): Promise<void> {
    const statements = parseBatch(text);
    checkColumns(statements, this.#engine.tables);
    for (const one of statements) await this.#execute(one, answer);
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

  /** Runs a DDL statement, which a pool refuses inside a transaction. */
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
        tables.set(statement.table, { columns: statement.columns, rows: [], createdAt: Date.now() });
        return;
      }
      case 'addColumns':
        return this.#addColumns(statement);
      case 'drop':
        this.#engine.table(statement.table);
        tables.delete(statement.table);
        return;
      case 'rename': {
        if ((statement.by === 'statement') !== (dialect === 'pool'))
          throw new SqlError(102, 'RENAME OBJECT is for dedicated pools, sp_rename for the others.');
        const fresh = `${statement.table.split('.')[0]}.${statement.to}`;
        if (tables.has(fresh)) throw new SqlError(15335, `The name ${fresh} is in use.`);
        tables.set(fresh, this.#engine.table(statement.table));
        tables.delete(statement.table);
        return;
      }
      case 'copy': {
        if (dialect !== 'pool') throw new SqlError(102, 'Incorrect syntax near COPY.');
        const bytes = await fetchStaged?.(statement.url);
        if (!bytes) throw new SqlError(13807, 'Content of directory on path cannot be listed.');
        const table = this.#engine.table(statement.table);
        for (const fields of readCsv(gunzipSync(bytes).toString('utf8')))
          this.#addRow(table, statement.columns, fields);
        return;
      }
    }
  }

  async #addColumns({ table: name, columns }: Statement & { kind: 'addColumns' }): Promise<void> {
    const refusal = this.#engine.alterRefusal;
    if (refusal) throw new SqlError(refusal.number, refusal.message);
    if (!this.#engine.tables.has(name))
      throw new SqlError(
        4902,
        `Cannot find the object "${name}" because it does not exist or you do not have permissions.`,
      );
    await this.#engine.lock(name, this);
    const table = this.#engine.table(name);
    for (const column of columns) {
      convert(null, column.type);
      if (table.columns.some((one) => one.name === column.name))
        throw new SqlError(
          2705,
          `Column names in each table must be unique. Column name '${column.name}' in table '${name}' is specified more than once.`,
        );
      if (!column.nullable && table.rows.length > 0)
        throw new SqlError(4901, `Column '${column.name}' cannot be added to a table with rows.`);
    }
    table.columns = [...table.columns, ...columns];
    for (const row of table.rows) for (const column of columns) row[column.name] = null;
  }

  async #change(statement: Statement & { kind: 'update' | 'delete' }): Promise<number> {
    this.#engine.table(statement.table);
    await this.#engine.lock(statement.table, this);
    const table = this.#engine.table(statement.table);
    const before = table.rows;
    const isHit = (row: SqlRow) => statement.where === undefined || this.#query.holds(statement.where, row);
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
          changed[name] = this.#store(table, name, this.#query.evaluate(value, row));
        return changed;
      });
    }
    this.#undo?.push(() => {
      table.rows = before;
    });
    return touched;
  }

  #insert(statement: Statement & { kind: 'insert' }): number {
    const table = this.#engine.table(statement.table);
    const before = table.rows;
    // For a rollback, cut off the added rows. Copying the table at the first change would be slow for many rows.
    const length = before.length;
    this.#undo?.push(() => {
      before.length = length;
    });
    try {
      for (const select of statement.selects) {
        for (const values of this.#query.rowsOf(select)) this.#addRow(table, statement.columns, values);
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
    const missing = table.columns.find(({ name, nullable }) => !nullable && row[name] === null);
    if (missing) throw nullRefused(missing.name);
    table.rows.push(row);
  }

  #store(table: SqlTable, name: string, value: SqlValue): SqlValue {
    const column = table.columns.find((one) => one.name === name);
    if (!column) throw new SqlError(207, `Invalid column name '${name}'.`);
    if (column.identity) throw new SqlError(544, 'Cannot insert explicit value for identity column.');
    if (value === null && !column.nullable) throw nullRefused(name);
    return convert(value, column.type);
  }
}

const nullRefused = (column: string) =>
  new SqlError(515, `Cannot insert the value NULL into column '${column}'; column does not allow nulls.`);

/** Rows of fields. An empty field is null, quoted or not, and a line break always ends a row. */
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
