import { type CodePage, inCodePage } from './codePages';
import { SqlError } from './syntax';

/** Keywords that a dedicated pool does not support. */
const unsupported = new Set([
  'OUTPUT',
  'MERGE',
  'WAITFOR',
  'GOTO',
  'RETURN',
  'SAVE',
  'CURSOR',
  'TRUNCATE',
  '@@ROWCOUNT',
]);

const maxStrings = 20_000;

export type Token = {
  readonly kind: 'word' | 'text' | 'number' | 'symbol' | 'end';
  readonly text: string;
  readonly quoted?: boolean;
};

const pattern =
  /\s*(?:--[^\n]*\n\s*)*(?:(N)?'((?:[^']|'')*)'|\[((?:[^\]]|\]\])*)\]|"((?:[^"]|"")*)"|([@A-Za-z_][@\w$]*)|(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)|(<>|>=|<=|[-+(),.;=<>*/])|$)/y;

/** Reads a batch token by token. Refuses keywords that a pool does not support. */
export class Tokens {
  readonly #text: string;
  readonly #codePage: CodePage;
  #at = 0;
  #strings = 0;
  current: Token = { kind: 'end', text: '' };

  /** @param codePage the code page of the database, in which constants are unless they begin with N */
  constructor(text: string, codePage: CodePage) {
    this.#text = text;
    this.#codePage = codePage;
    this.advance();
  }

  /** Returns the current token and moves to the next one. */
  advance(): Token {
    const before = this.current;
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (!found)
      throw new SqlError(103010, `Parse error near "${this.#text.slice(this.#at, this.#at + 30)}".`);
    this.#at = pattern.lastIndex;
    const [, unicode, string, bracketed, quoted, word, number, symbol] = found;
    if (string !== undefined) {
      if (++this.#strings > maxStrings) throw new SqlError(103011, 'Too many string constants in a batch.');
      // A backslash before a line break removes both.
      const joined = string.includes('\\') ? string.replace(/\\\r?\n/g, '') : string;
      const text = unicode === undefined ? inCodePage(joined, this.#codePage) : joined;
      this.current = { kind: 'text', text: text.includes("''") ? text.replaceAll("''", "'") : text };
    } else if (bracketed !== undefined)
      this.current = { kind: 'word', text: bracketed.replaceAll(']]', ']'), quoted: true };
    else if (quoted !== undefined)
      this.current = { kind: 'word', text: quoted.replaceAll('""', '"'), quoted: true };
    else if (word !== undefined) {
      if (unsupported.has(word.toUpperCase()))
        throw new SqlError(103010, `Parse error: ${word.toUpperCase()} is not supported.`);
      this.current = { kind: 'word', text: word };
    } else if (number !== undefined) this.current = { kind: 'number', text: number };
    else if (symbol !== undefined) this.current = { kind: 'symbol', text: symbol };
    else this.current = { kind: 'end', text: '' };
    return before;
  }
}
