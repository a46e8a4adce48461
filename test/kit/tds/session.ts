import { gunzipSync } from 'node:zlib';
import { readBulkLoad } from './bulkLoad';
import { checkColumns } from './checkColumns';
import { codePageOf } from './codePages';
import { convert } from './columnTypes';
import { define } from './definitions';
import type { Answer, Engine, SqlRow, SqlTable } from './engine';
import { parseBatch } from './parse';
import { Query } from './query';
import { readCsv } from './readCsv';
import { checkRights } from './rights';
import { refuseDoubled, takeBack } from './rowChanges';
import { SessionOptions } from './sessionOptions';
import { type Select, SqlError, type SqlValue, type Statement } from './syntax';

/** One connection's session. */
export class Session {
  readonly #engine: Engine;
  #undo: (() => void)[] | undefined;
  #transactionId = 0n;
  readonly #query: Query;
  readonly options: SessionOptions;
  #bulk: (Statement & { kind: 'insertBulk' }) | undefined;
  ended = false;
  /** Called before and after every commit. It may end the session. */
  onCommit: (phase: 'before' | 'after') => void = () => {};

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#query = new Query(engine);
    this.options = new SessionOptions(engine.options);
  }

  get inTransaction(): boolean {
    return this.#undo !== undefined;
  }

  /** Runs a batch and passes on every answer. Throws a SqlError, after ending the transaction if the real server would. */
  async run(text: string, answer: (one: Answer) => void): Promise<void> {
    this.#query.variables.clear();
    // Statements are checked before any of them runs, as in a real server.
    const statements = parseBatch(text, codePageOf(this.#engine.collation));
    await this.#cleaningUp(answer, async () => {
      checkColumns(statements, this.#engine.tables);
      for (const statement of statements) await this.#execute(statement, answer);
    });
  }

  /** Ends the transaction after an error of `work` if the real server would. Locks are held no longer than the transaction. */
  async #cleaningUp(answer: (one: Answer) => void, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (this.options.xactAbort && this.#undo) answer(this.rollback());
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
    this.#throwIfEnded();
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

  /** Resets the session as for a new login: the transaction ends, and the options are those of the beginning. */
  reset(): void {
    if (this.#undo) this.rollback();
    this.options.reset();
  }

  /** Ends the session when its connection is closed. */
  end(): void {
    this.ended = true;
    if (this.#undo) this.rollback();
    this.#engine.release(this);
  }

  #throwIfEnded(): void {
    if (this.ended) throw new SqlError(596, 'The session has ended.');
  }

  /** Lets other sessions run. If the session ends meanwhile, it is rolled back, so it must not write anything afterwards. */
  async #pause(): Promise<void> {
    await this.#engine.between();
    this.#throwIfEnded();
  }

  async #execute(statement: Statement, answer: (one: Answer) => void): Promise<void> {
    this.#throwIfEnded();
    if (this.#engine.rights) checkRights(this.#engine.rights, statement);
    switch (statement.kind) {
      case 'set':
        return this.options.set(statement.words);
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
        return this.#select(statement.select, answer);
      case 'update':
      case 'delete':
        return answer(this.#touched(await this.#change(statement)));
      case 'insert':
        return answer(this.#touched(await this.#insert(statement)));
      case 'insertBulk':
        return this.#beginBulk(statement, answer);
      case 'execute':
        return this.#executeText(statement.text, answer);
      default:
        await this.#define(statement);
        return answer({ kind: 'done', touched: undefined });
    }
  }

  /** The end of a statement that touched rows. It has no number while NOCOUNT is on. */
  #touched(rows: number): Answer {
    return { kind: 'done', touched: this.options.noCount ? undefined : rows };
  }

  async #select(select: Select, answer: (one: Answer) => void): Promise<void> {
    // Reading waits for writers, unless the session reads what is not committed.
    if (this.options.isolation !== 'READ UNCOMMITTED' && select.from !== undefined)
      await this.#engine.waitFor(select.from, this, this.options.lockTimeout);
    answer({ ...this.#query.answerSelect(select), counted: !this.options.noCount });
  }

  async #executeText(text: string, answer: (one: Answer) => void): Promise<void> {
    const statements = parseBatch(text, codePageOf(this.#engine.collation));
    checkColumns(statements, this.#engine.tables);
    for (const one of statements) await this.#execute(one, answer);
  }

  async #define(statement: Statement): Promise<void> {
    if (this.#undo && this.#engine.options.dialect === 'pool')
      throw new SqlError(104434, 'DDL and COPY are not supported inside a transaction.');
    await this.#pause();
    if (statement.kind === 'copy') return this.#copy(statement);
    const undo = await define(this.#engine, this, statement);
    this.#undo?.push(undo);
  }

  async #copy({ url, table: name, columns }: Statement & { kind: 'copy' }): Promise<void> {
    const { dialect, fetchStaged } = this.#engine.options;
    if (dialect !== 'pool') throw new SqlError(102, 'Incorrect syntax near COPY.');
    const { copyRefusal } = this.#engine;
    if (copyRefusal !== undefined) throw new SqlError(copyRefusal, 'COPY is refused.');
    const bytes = await fetchStaged?.(url);
    this.#throwIfEnded();
    if (!bytes) throw new SqlError(13807, 'Content of directory on path cannot be listed.');
    this.#engine.holdRows(name, this);
    const rows = [...readCsv(gunzipSync(bytes).toString('utf8'))];
    this.addRows(this.#engine.table(name), columns, rows);
  }

  async #change(statement: Statement & { kind: 'update' | 'delete' }): Promise<number> {
    this.#engine.table(statement.table);
    await this.#engine.lock(statement.table, this, this.options.lockTimeout);
    const table = this.#engine.table(statement.table);
    const isDelete = statement.kind === 'delete';
    if (isDelete && table.foreignKeys.length > 0)
      throw new SqlError(547, 'The DELETE statement conflicted with a REFERENCE constraint.');
    const isHit = (row: SqlRow) => statement.where === undefined || this.#query.holds(statement.where, row);
    const changed = new Map<SqlRow, SqlRow | undefined>();
    for (const row of table.rows) {
      if (!isHit(row)) continue;
      const after = { ...row };
      if (statement.kind === 'update')
        for (const [name, value] of statement.set)
          after[name] = this.#store(table, name, this.#query.evaluate(value, row));
      changed.set(row, statement.kind === 'update' ? after : undefined);
    }
    table.rows = table.rows.flatMap((row) => {
      const after = changed.has(row) ? changed.get(row) : row;
      return after ? [after] : [];
    });
    if (isDelete && !table.primaryKey && !statement.isTableLocked) table.unfreedRows += changed.size;
    this.#undo?.push(() => takeBack(table, changed));
    return changed.size;
  }

  async #insert(statement: Statement & { kind: 'insert' }): Promise<number> {
    const table = this.#engine.table(statement.table);
    const rows = statement.selects.flatMap((select) => this.#query.rowsOf(select));
    await this.#pause();
    this.#engine.holdRows(statement.table, this);
    return this.addRows(table, statement.columns, rows);
  }

  #beginBulk(statement: Statement & { kind: 'insertBulk' }, answer: (one: Answer) => void): void {
    const { bulkRefusal } = this.#engine;
    if (this.#engine.options.dialect === 'pool') throw new SqlError(103010, 'Parse error near BULK.');
    if (bulkRefusal !== undefined)
      throw new SqlError(bulkRefusal, 'You do not have permission to use bulk load.');
    const table = this.#engine.table(statement.table);
    for (const { name, type } of statement.columns) {
      const column = table.columns.find((one) => one.name === name);
      if (!column) throw new SqlError(207, `Invalid column name '${name}'.`);
      if (column.type !== type) throw new SqlError(4816, `Invalid column type for ${name} from bcp client.`);
    }
    if (!['CHECK_CONSTRAINTS', 'FIRE_TRIGGERS', 'KEEP_NULLS'].every((one) => statement.options.includes(one)))
      throw new SqlError(4804, 'A load must do here what an INSERT does.');
    this.#bulk = statement;
    answer({ kind: 'done', touched: undefined });
  }

  /** Takes the rows of the statement before. */
  async bulkLoad(body: Buffer, answer: (one: Answer) => void): Promise<void> {
    const bulk = this.#bulk;
    this.#bulk = undefined;
    if (!bulk) throw new SqlError(4804, 'Rows came without INSERT BULK.');
    const { columns, rows } = readBulkLoad(body);
    await this.#cleaningUp(answer, async () => {
      if (JSON.stringify(columns.map(({ name, type }) => ({ name, type }))) !== JSON.stringify(bulk.columns))
        throw new SqlError(4816, 'Invalid column type from bcp client.');
      const names = columns.map(({ name }) => name);
      this.#engine.holdRows(bulk.table, this);
      answer(this.#touched(this.addRows(this.#engine.table(bulk.table), names, rows)));
    });
  }

  /** Adds all of these rows or, after an error, none. */
  addRows(table: SqlTable, columns: readonly string[], rows: readonly (readonly SqlValue[])[]): number {
    const added = rows.map((values) => this.#newRow(table, columns, values));
    refuseDoubled(table, added);
    // They are added one by one, because one call with all rows as arguments would overflow the stack.
    for (const row of added) table.rows.push(row);
    this.#undo?.push(() => {
      const gone = new Set(added);
      table.rows = table.rows.filter((row) => !gone.has(row));
    });
    return added.length;
  }

  #newRow(table: SqlTable, columns: readonly string[], values: readonly SqlValue[]): SqlRow {
    if (values.length !== columns.length)
      throw new SqlError(110, 'There are more or fewer columns than values.');
    const row: SqlRow = {};
    for (const { name, identity } of table.columns)
      row[name] = identity ? this.#engine.nextIdentity(table) : null;
    for (const [index, name] of columns.entries())
      row[name] = this.#store(table, name, values[index] ?? null);
    const missing = table.columns.find(({ name, nullable }) => !nullable && row[name] === null);
    if (missing) throw nullRefused(missing.name);
    return row;
  }

  #store(table: SqlTable, name: string, value: SqlValue): SqlValue {
    const column = table.columns.find((one) => one.name === name);
    if (!column) throw new SqlError(207, `Invalid column name '${name}'.`);
    if (column.identity) throw new SqlError(544, 'Cannot insert explicit value for identity column.');
    if (value === null && !column.nullable) throw nullRefused(name);
    return convert(value, column.type, codePageOf(column.collation ?? this.#engine.collation));
  }
}

const nullRefused = (column: string) =>
  new SqlError(515, `Cannot insert the value NULL into column '${column}'; column does not allow nulls.`);
