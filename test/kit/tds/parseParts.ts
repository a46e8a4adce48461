import type { CodePage } from './codePages';
import { type Condition, type Expression, type Select, SqlError } from './syntax';
import { Tokens } from './tokens';

/** Parses the parts of a statement: names, types, queries, conditions, expressions. */
export class PartParser {
  protected readonly tokens: Tokens;

  constructor(text: string, codePage: CodePage = 1252) {
    this.tokens = new Tokens(text, codePage);
  }

  protected is(text: string): boolean {
    const { kind, quoted } = this.tokens.current;
    return (
      (kind === 'word' || kind === 'symbol') && !quoted && this.tokens.current.text.toUpperCase() === text
    );
  }

  protected take(text: string): boolean {
    if (!this.is(text)) return false;
    this.tokens.advance();
    return true;
  }

  protected expect(text: string): void {
    if (!this.take(text)) throw this.unexpected(text);
  }

  protected unexpected(wanted: string): SqlError {
    return new SqlError(103010, `Parse error: expected ${wanted}, found "${this.tokens.current.text}".`);
  }

  protected word(): string {
    if (this.tokens.current.kind !== 'word') throw this.unexpected('a name');
    return this.tokens.advance().text;
  }

  protected string(): string {
    if (this.tokens.current.kind !== 'text') throw this.unexpected('a text');
    return this.tokens.advance().text;
  }

  /** Reads schema.table in lower case, because names are compared without regard to case. */
  table(): string {
    const first = this.word();
    return (this.take('.') ? `${first}.${this.word()}` : first).toLowerCase();
  }

  protected names(): string[] {
    this.expect('(');
    const names: string[] = [];
    do names.push(this.word());
    while (this.take(','));
    this.expect(')');
    return names;
  }

  protected type(): string {
    let type = this.word().toLowerCase();
    if (this.take('(')) {
      const sizes: string[] = [];
      do sizes.push(this.tokens.advance().text.toLowerCase());
      while (this.take(','));
      type += `(${sizes.join(',')})`;
      this.expect(')');
    }
    return type;
  }

  protected select(): Select {
    this.expect('SELECT');
    const items: { value: Expression | '*'; name: string }[] = [];
    do {
      if (this.take('*')) items.push({ value: '*', name: '*' });
      else {
        const value = this.expression();
        const name = this.take('AS') ? this.word() : value.kind === 'column' ? value.name : '';
        items.push({ value, name });
      }
    } while (this.take(','));
    const from = this.take('FROM') ? this.table() : undefined;
    const args = from !== undefined && this.take('(') ? this.#arguments() : undefined;
    return { items, from, args, where: this.where(), groupBy: this.#groupBy() };
  }

  /** Reads the arguments that follow an opening parenthesis. */
  #arguments(): Expression[] {
    const args: Expression[] = [];
    if (this.take('*')) args.push({ kind: 'constant', value: 1 });
    else if (!this.is(')'))
      do args.push(this.expression());
      while (this.take(','));
    this.expect(')');
    return args;
  }

  #groupBy(): Expression[] | undefined {
    if (!this.take('GROUP')) return undefined;
    this.expect('BY');
    const by: Expression[] = [];
    do by.push(this.expression());
    while (this.take(','));
    return by;
  }

  protected where(): Condition | undefined {
    return this.take('WHERE') ? this.condition() : undefined;
  }

  protected condition(): Condition {
    return this.#joined('or', 'OR', () => this.#joined('and', 'AND', () => this.#simpleCondition()));
  }

  #joined(kind: 'and' | 'or', word: string, read: () => Condition): Condition {
    const first = read();
    if (!this.is(word)) return first;
    const conditions = [first];
    while (this.take(word)) conditions.push(read());
    return { kind, conditions };
  }

  #simpleCondition(): Condition {
    if (this.take('NOT')) return { kind: 'not', condition: this.#simpleCondition() };
    if (this.take('EXISTS')) {
      this.expect('(');
      const select = this.select();
      this.expect(')');
      return { kind: 'exists', select };
    }
    if (!this.take('(')) return this.#comparison(this.expression());
    // The parentheses contain either a query whose result is compared, or a condition.
    if (this.is('SELECT')) {
      const query = this.#query();
      this.expect(')');
      return this.#comparison(query);
    }
    const condition = this.condition();
    this.expect(')');
    return condition;
  }

  #query(): Expression {
    return { kind: 'query', select: this.select() };
  }

  #comparison(left: Expression): Condition {
    if (this.take('IS')) {
      const negated = this.take('NOT');
      this.expect('NULL');
      const isNull: Condition = { kind: 'null', value: left };
      return negated ? { kind: 'not', condition: isNull } : isNull;
    }
    const negated = this.take('NOT');
    const operator = this.take('LIKE') ? 'LIKE' : this.tokens.advance().text;
    const compared: Condition = { kind: 'compare', operator, left, right: this.expression() };
    return negated ? { kind: 'not', condition: compared } : compared;
  }

  protected expression(): Expression {
    const first = this.#term();
    if (!this.is('+')) return first;
    const parts = [first];
    while (this.take('+')) parts.push(this.#term());
    return { kind: 'concat', parts };
  }

  #term(): Expression {
    if (this.take('-')) return { kind: 'constant', value: toNumber(`-${this.tokens.advance().text}`) };
    if (this.tokens.current.kind === 'number')
      return { kind: 'constant', value: toNumber(this.tokens.advance().text) };
    if (this.tokens.current.kind === 'text') return { kind: 'constant', value: this.tokens.advance().text };
    if (this.take('(')) {
      const inner = this.is('SELECT') ? this.#query() : this.expression();
      this.expect(')');
      return inner;
    }
    if (this.take('NULL')) return { kind: 'constant', value: null };
    if (this.take('CAST')) {
      this.expect('(');
      const value = this.expression();
      this.expect('AS');
      const type = this.type();
      this.expect(')');
      return { kind: 'cast', value, type };
    }
    const name = this.word();
    if (name.startsWith('@')) return { kind: 'variable', name };
    if (this.take('.')) return { kind: 'column', name: `${name}.${this.word()}` };
    if (!this.take('(')) return { kind: 'column', name };
    return { kind: 'call', name: name.toUpperCase(), args: this.#arguments() };
  }
}

function toNumber(text: string): number | bigint {
  if (/[.eE]/.test(text)) return Number(text);
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : BigInt(text);
}
