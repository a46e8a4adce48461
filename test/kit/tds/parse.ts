import type { CodePage } from './codePages';
import { DefinitionParser } from './parseDefinitions';
import { PartParser } from './parseParts';
import { type Expression, type Select, SqlError, type Statement } from './syntax';

/*
 * Parses a batch into a syntax tree. Like the real server, it refuses unknown syntax.
 */

const maxSelects = 1000;

/** @param codePage the code page of the database */
export function parseBatch(text: string, codePage: CodePage): Statement[] {
  return new BatchParser(text, codePage).batch();
}

class BatchParser extends DefinitionParser {
  /** The parser of a statement, by the statement's first word. */
  readonly #readers: readonly (readonly [word: string, read: () => Statement])[] = [
    ['SET', () => this.#set()],
    ['BEGIN', () => this.#begin()],
    ['COMMIT', () => this.#end('commit')],
    ['ROLLBACK', () => this.#end('rollback')],
    ['IF', () => this.#if()],
    ['DECLARE', () => this.#declare()],
    ['UPDATE', () => this.#update()],
    ['DELETE', () => this.#delete()],
    ['INSERT', () => this.#insert()],
    ['CREATE', () => this.create()],
    ['ALTER', () => this.alter()],
    ['DROP', () => this.drop()],
    ['RENAME', () => this.rename()],
    ['EXEC', () => this.#execute()],
    ['COPY', () => this.#copy()],
    ['GRANT', () => this.grant('GRANT')],
    ['DENY', () => this.grant('DENY')],
  ];

  batch(): Statement[] {
    const statements: Statement[] = [];
    while (this.take(';'));
    while (this.tokens.current.kind !== 'end') {
      statements.push(this.#statement());
      while (this.take(';'));
    }
    return statements;
  }

  #statement(): Statement {
    if (this.is('SELECT')) return { kind: 'select', select: this.select() };
    const read = this.#readers.find(([word]) => this.take(word))?.[1];
    if (!read) throw this.unexpected('a statement');
    return read();
  }

  #set(): Statement {
    const words: string[] = [];
    while (!this.is(';') && !this.is('SET') && this.tokens.current.kind !== 'end')
      words.push(this.tokens.advance().text.toUpperCase());
    return { kind: 'set', words };
  }

  #begin(): Statement {
    if (this.take('TRANSACTION') || this.take('TRAN')) return { kind: 'begin' };
    const body: Statement[] = [];
    while (this.take(';'));
    while (!this.take('END')) {
      body.push(this.#statement());
      while (this.take(';'));
    }
    return { kind: 'block', body };
  }

  #if(): Statement {
    const condition = this.condition();
    const body = this.#statement();
    const otherwise = this.take('ELSE') ? this.#statement() : undefined;
    return { kind: 'if', condition, body, otherwise };
  }

  #declare(): Statement {
    const name = this.word();
    if (this.is('TABLE')) throw new SqlError(103010, 'Parse error: table variables are not supported.');
    this.type();
    this.expect('=');
    return { kind: 'declare', name, value: this.expression() };
  }

  #delete(): Statement {
    this.expect('FROM');
    const table = this.table();
    const isTableLocked = this.take('WITH');
    if (isTableLocked) for (const word of ['(', 'TABLOCK', ')']) this.expect(word);
    return { kind: 'delete', table, where: this.where(), isTableLocked };
  }

  #execute(): Statement {
    if (this.take('(')) {
      const text = this.string();
      this.expect(')');
      return { kind: 'execute', text };
    }
    if (this.word().toLowerCase() !== 'sp_rename') throw this.unexpected('sp_rename');
    const table = new PartParser(this.string()).table();
    this.expect(',');
    const to = this.string().toLowerCase();
    // Some engines require the kind of the object here.
    this.expect(',');
    if (this.string() !== 'OBJECT') throw this.unexpected("'OBJECT'");
    return { kind: 'rename', table, to, by: 'procedure' };
  }

  #end(kind: 'commit' | 'rollback'): Statement {
    if (!this.take('TRANSACTION')) this.take('TRAN');
    return { kind };
  }

  #update(): Statement {
    const table = this.table();
    this.expect('SET');
    const set: [string, Expression][] = [];
    do {
      const name = this.word();
      this.expect('=');
      set.push([name, this.expression()]);
    } while (this.take(','));
    return { kind: 'update', table, set, where: this.where() };
  }

  #insertBulk(): Statement {
    const table = this.table();
    this.expect('(');
    const columns: { name: string; type: string }[] = [];
    do columns.push({ name: this.word(), type: this.type() });
    while (this.take(','));
    this.expect(')');
    const options: string[] = [];
    if (this.take('WITH')) {
      this.expect('(');
      do options.push(this.word().toUpperCase());
      while (this.take(','));
      this.expect(')');
    }
    return { kind: 'insertBulk', table, columns, options };
  }

  #insert(): Statement {
    if (this.take('BULK')) return this.#insertBulk();
    this.expect('INTO');
    const table = this.table();
    const columns = this.names();
    const selects: Select[] = [];
    if (this.take('VALUES')) {
      do {
        this.expect('(');
        const items: Select['items'][number][] = [];
        do items.push({ value: this.expression(), name: '' });
        while (this.take(','));
        this.expect(')');
        selects.push({ items, from: undefined, where: undefined });
        if (selects.length > 1)
          throw new SqlError(103010, 'Parse error: VALUES with more than one row is not supported.');
      } while (this.take(','));
      return { kind: 'insert', table, columns, selects };
    }
    selects.push(this.select());
    while (this.take('UNION')) {
      this.expect('ALL');
      selects.push(this.select());
      if (selects.length > maxSelects)
        throw new SqlError(191, 'Some part of your SQL statement is nested too deeply.');
    }
    return { kind: 'insert', table, columns, selects };
  }

  #copy(): Statement {
    this.expect('INTO');
    const table = this.table();
    this.expect('(');
    const columns: string[] = [];
    do {
      columns.push(this.word());
      if (Number(this.tokens.advance().text) !== columns.length)
        throw this.unexpected('the columns in the order of the file');
    } while (this.take(','));
    this.expect(')');
    this.expect('FROM');
    const url = this.string();
    this.expect('WITH');
    this.expect('(');
    const options = new Map<string, string>();
    do {
      const name = this.word().toUpperCase();
      this.expect('=');
      if (this.take('(')) {
        const option = this.word();
        this.expect('=');
        options.set(name, `${option}=${this.string()}`);
        this.expect(')');
      } else options.set(name, this.tokens.advance().text);
    } while (this.take(','));
    this.expect(')');
    const wanted = {
      FILE_TYPE: 'CSV',
      COMPRESSION: 'Gzip',
      FIELDQUOTE: '"',
      ROWTERMINATOR: '0x0A',
      ENCODING: 'UTF8',
      DATEFORMAT: 'ymd',
      MAXERRORS: '0',
    };
    for (const [name, value] of Object.entries(wanted))
      if (options.get(name) !== value) throw new SqlError(103010, `COPY: ${name} must be ${value} here.`);
    return { kind: 'copy', table, columns, url };
  }
}
