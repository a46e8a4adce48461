import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Language, Parser } from 'web-tree-sitter';
import { childrenOf, type Node, walk } from './bicep';

/*
 * A script of PowerShell, read as far as the tests need it. Nothing is run: a value that only a run would know is any text.
 */

export interface PowerShellScript {
  readonly syntaxErrors: readonly string[];
  /** The calls of other programs and of cmdlets, in the order of the text, each with its arguments. */
  readonly calls: readonly Pattern[];
  /** The entries of tables, `@{ name = value }`. */
  readonly entries: ReadonlyMap<string, Pattern>;
}

/** A text that an expression may become. */
export interface Pattern {
  /** The text, in which `*` stands for any text. */
  readonly text: string;
  matches(text: string): boolean;
}

export const makePattern = (text: string): Pattern => {
  const parts = text.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  const form = new RegExp(`^${parts.join('.*')}$`, 's');
  return { text, matches: (other) => form.test(other) };
};

/** @param environment the environment variables that the script reads */
export async function readPowerShell(
  text: string,
  environment: Readonly<Record<string, string>>,
): Promise<PowerShellScript> {
  await Parser.init();
  const parser = new Parser();
  const folder = dirname(require.resolve('tree-sitter-powershell/package.json'));
  parser.setLanguage(await Language.load(readFileSync(join(folder, 'tree-sitter-powershell.wasm'))));
  const root = parser.parse(text)?.rootNode;
  if (!root) throw new Error('The parser gave no tree.');
  const nodes = [...walk(root)];
  const reader = new Reader(nodes, environment);
  return {
    syntaxErrors: nodes
      .filter(({ isError, isMissing }) => isError || isMissing)
      .map(({ startPosition, text: wrong }) => `line ${startPosition.row + 1}: ${wrong.slice(0, 60)}`),
    calls: ofType(nodes, 'command').map((node) => makePattern(reader.wordsOf(node).join(' '))),
    entries: new Map(ofType(nodes, 'hash_entry').map((node) => reader.entryOf(node))),
  };
}

const ofType = (nodes: readonly Node[], type: string) => nodes.filter((node) => node.type === type);

class Reader {
  readonly #nodes: readonly Node[];
  readonly #environment: Readonly<Record<string, string>>;

  constructor(nodes: readonly Node[], environment: Readonly<Record<string, string>>) {
    this.#nodes = nodes;
    this.#environment = environment;
  }

  wordsOf(command: Node): string[] {
    const [name, elements] = childrenOf(command);
    const given = elements ? childrenOf(elements).filter(({ type }) => type !== 'command_argument_sep') : [];
    return [name?.text ?? '', ...given.flatMap((node) => this.#argument(node.text))];
  }

  entryOf(entry: Node): readonly [string, Pattern] {
    const [key, ...rest] = childrenOf(entry);
    return [(key?.text ?? '').replaceAll("'", ''), makePattern(this.#value(rest.at(-1)?.text ?? ''))];
  }

  /** One argument, or those of the list that a variable like `@range` holds. */
  #argument(text: string): string[] {
    const [, splatted] = /^@(\w+)$/.exec(text) ?? [];
    if (splatted === undefined) return [this.#value(text)];
    const list = this.#nodes.find(
      ({ type, text: whole }) => type === 'assignment_expression' && whole.startsWith(`$${splatted} = `),
    );
    const items = list?.text.slice(splatted.length + 4).match(/'[^']*'|"[^"]*"|\$[\w:]+/g) ?? [];
    return items.map((item) => this.#value(item));
  }

  #value(text: string): string {
    const trimmed = text.trim();
    if (/^'[^']*'$/.test(trimmed)) return trimmed.slice(1, -1);
    const [, inQuotes, inLines] = /^(?:"((?:[^"`]|`.)*)"|@"\n([\s\S]*)\n"@)$/.exec(trimmed) ?? [];
    const expanded = inQuotes ?? inLines;
    if (expanded !== undefined) return this.#expand(expanded).replaceAll(/`(.)/g, '$1');
    return /^[\w./-]+$/.test(trimmed) ? trimmed : /^\$env:\w+$/.test(trimmed) ? this.#expand(trimmed) : '*';
  }

  /** A text with the values of environment variables, and `*` for other variables. */
  #expand(text: string): string {
    return text
      .replaceAll(/\$env:(\w+)/g, (_, name: string) => this.#environment[name] ?? '')
      .replaceAll(/(?<!`)\$\w+/g, '*');
  }
}
