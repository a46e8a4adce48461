import { PartParser } from './parseParts';
import { type ColumnDefinition, type Layout, SqlError, type Statement } from './syntax';

/** Parses the statements that define objects and rights, each after its first word. */
export class DefinitionParser extends PartParser {
  protected create(): Statement {
    if (this.take('VIEW')) return this.#view();
    if (this.take('SCHEMA')) return { kind: 'createSchema', schema: this.word().toLowerCase() };
    this.expect('TABLE');
    const table = this.table();
    this.expect('(');
    const { columns, primaryKey } = this.#columnDefinitions();
    this.expect(')');
    return { kind: 'createTable', table, columns, primaryKey, layout: this.#layout() };
  }

  protected alter(): Statement {
    this.expect('TABLE');
    const table = this.table();
    this.expect('ADD');
    if (this.take('PRIMARY')) {
      this.expect('KEY');
      return { kind: 'addKey', table, columns: this.names() };
    }
    return { kind: 'addColumns', table, columns: this.#columnDefinitions().columns };
  }

  protected drop(): Statement {
    this.expect('TABLE');
    return { kind: 'drop', table: this.table() };
  }

  protected rename(): Statement {
    this.expect('OBJECT');
    const table = this.table();
    this.expect('TO');
    return { kind: 'rename', table, to: this.word().toLowerCase(), by: 'statement' };
  }

  protected grant(state: string): Statement {
    const permission = this.word().toUpperCase();
    this.expect('ON');
    const table = this.table();
    const column = this.is('(') ? this.names()[0] : undefined;
    this.expect('TO');
    const grantee = this.word();
    const withOption = this.take('WITH');
    if (withOption) for (const word of ['GRANT', 'OPTION']) this.expect(word);
    return {
      kind: 'grant',
      state: withOption ? 'GRANT_WITH_GRANT_OPTION' : state,
      ...{ permission, table, column, grantee },
    };
  }

  /** Reads only the name of a view. Its query is not run here. */
  #view(): Statement {
    const view = this.table();
    this.expect('AS');
    while (this.tokens.current.kind !== 'end') this.tokens.advance();
    return { kind: 'createView', view };
  }

  #layout(): Layout | undefined {
    if (!this.take('WITH')) return undefined;
    for (const word of ['(', 'DISTRIBUTION', '=']) this.expect(word);
    const option = () => {
      let text = '';
      for (let depth = 0; depth > 0 || !(this.is(',') || this.is(')')); ) {
        depth += this.is('(') ? 1 : this.is(')') ? -1 : 0;
        const { quoted, text: word } = this.tokens.advance();
        text += `${text === '' ? '' : ' '}${quoted ? `[${word}]` : word.toUpperCase()}`;
      }
      return text;
    };
    const distribution = option();
    this.expect(',');
    const index = option();
    this.expect(')');
    if (!/^(?:ROUND_ROBIN|REPLICATE|HASH \( \[\w+\](?: , \[\w+\])* \))$/.test(distribution))
      throw new SqlError(103010, `Parse error near DISTRIBUTION = ${distribution}.`);
    if (
      !/^(?:HEAP|CLUSTERED COLUMNSTORE INDEX(?: ORDER \( \[\w+\](?: , \[\w+\])* \))?|CLUSTERED INDEX \( .* \))$/.test(
        index,
      )
    )
      throw new SqlError(103010, `Parse error near ${index}.`);
    return { distribution, index };
  }

  #columnDefinitions(): { columns: ColumnDefinition[]; primaryKey: string[] | undefined } {
    const columns: ColumnDefinition[] = [];
    let primaryKey: string[] | undefined;
    do {
      const name = this.word();
      const type = this.type();
      const collation = this.take('COLLATE') ? this.word() : undefined;
      const identity = this.take('IDENTITY');
      if (identity && this.take('(')) while (!this.take(')')) this.tokens.advance();
      const nullable = !this.take('NOT');
      if (nullable) this.take('NULL');
      else this.expect('NULL');
      if (this.take('PRIMARY')) {
        this.expect('KEY');
        primaryKey = [name];
      }
      columns.push({ name, type, identity, nullable: nullable && primaryKey?.[0] !== name, collation });
    } while (this.take(','));
    return { columns, primaryKey };
  }
}
