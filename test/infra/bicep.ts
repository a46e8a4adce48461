import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Language, type Node, Parser } from 'web-tree-sitter';

/*
 * Files of Bicep, read as far as the checks need it: their declarations, with the syntax trees of their values.
 */

export type { Node } from 'web-tree-sitter';

export interface Declaration {
  readonly kind: 'param' | 'var' | 'resource' | 'module' | 'output';
  readonly name: string;
  /** A resource's type and API version, or the path of a module's file. */
  readonly target: string;
  readonly isExisting: boolean;
  /** The value; of a resource or module, its object, without condition and loop. Undefined if a parameter has no default. */
  readonly value: Node | undefined;
  /** All of the declaration, with its decorators. */
  readonly nodes: readonly Node[];
  readonly decorators: string;
  /** What a loop goes over, and the names that it gives. */
  readonly loop: { readonly over: Node; readonly names: readonly string[] } | undefined;
}

export interface BicepFile {
  readonly path: string;
  readonly root: Node;
  readonly declarations: readonly Declaration[];
  /** Where the text is not Bicep. */
  readonly syntaxErrors: readonly string[];
}

let parser: Parser | undefined;

/** Loads the grammar. Call it before parseBicep. */
export async function loadGrammar(): Promise<void> {
  if (parser) return;
  await Parser.init();
  const made = new Parser();
  const grammar = join(dirname(require.resolve('tree-sitter-bicep/package.json')), 'tree-sitter-bicep.wasm');
  made.setLanguage(await Language.load(readFileSync(grammar)));
  parser = made;
}

export function parseBicep(path: string, text: string): BicepFile {
  const tree = parser?.parse(text);
  if (!tree) throw new Error('loadGrammar() must be called first.');
  const root = tree.rootNode;
  const wrong = [...walk(root)].filter((node) => node.isError || node.isMissing);
  return {
    path,
    root,
    declarations: readDeclarations(root),
    syntaxErrors: wrong.map(
      (node) => `${path}:${node.startPosition.row + 1} is not Bicep: ${shorten(node.text)}`,
    ),
  };
}

const shorten = (text: string) => text.slice(0, 60).replace(/\s+/g, ' ');

/** A node and all below it. */
export function* walk(node: Node): Generator<Node> {
  yield node;
  for (const child of childrenOf(node)) yield* walk(child);
}

export const childrenOf = (node: Node): Node[] => node.children.filter((child) => child !== null);

function readDeclarations(root: Node): Declaration[] {
  let decorators: Node[] = [];
  const found: Declaration[] = [];
  for (const node of childrenOf(root)) {
    if (node.type === 'decorators') decorators = [node];
    else {
      const one = readDeclaration(node, decorators);
      if (one) found.push(one);
      if (node.type !== 'comment') decorators = [];
    }
  }
  return found;
}

const kinds = new Map<string, Declaration['kind']>([
  ['parameter_declaration', 'param'],
  ['variable_declaration', 'var'],
  ['resource_declaration', 'resource'],
  ['module_declaration', 'module'],
  ['output_declaration', 'output'],
]);

function readDeclaration(node: Node, decorators: readonly Node[]): Declaration | undefined {
  const kind = kinds.get(node.type);
  const children = childrenOf(node);
  const name = children.find(({ type }) => type === 'identifier')?.text;
  if (!kind || !name) return undefined;
  const equals = children.findIndex(({ type }) => type === '=');
  const target = children.slice(0, equals).find(({ type }) => type === 'string');
  const given = equals < 0 ? undefined : children[equals + 1];
  const inner =
    given?.type === 'if_statement' ? childrenOf(given).find(({ type }) => type === 'object') : given;
  const loop = inner?.type === 'for_statement' ? inner : undefined;
  return {
    kind,
    name,
    target: target ? (literalOf(target) ?? '') : '',
    isExisting: children.some(({ type }) => type === 'existing'),
    value: loop ? childrenOf(loop).findLast(({ type }) => type === 'object') : inner,
    nodes: [...decorators, node],
    decorators: decorators.map(({ text }) => text).join('\n'),
    loop: loop && readLoop(loop),
  };
}

function readLoop(node: Node): Declaration['loop'] {
  const before = childrenOf(node).filter(({ type }) => type !== 'object' && /^[a-z_]+$/.test(type));
  const head = before.filter(({ type }) => type !== 'for' && type !== 'in');
  const [names, over] = head;
  return names && over && { over, names: names.text.replace(/[()\s]/g, '').split(',') };
}

/** The text of a string without interpolations, or of a number or a truth value; undefined for any other expression. */
export function literalOf(node: Node): string | undefined {
  if (/^(number|boolean)$/.test(node.type)) return node.text;
  if (node.type !== 'string' || childrenOf(node).some(({ type }) => type === 'interpolation'))
    return undefined;
  return node.text.slice(1, -1);
}

/** The properties of an object, by name; none for anything else. A name with interpolations is taken as it is written, without quotes. */
export function propertiesOf(node: Node | undefined): Map<string, Node> {
  const found = new Map<string, Node>();
  for (const property of node?.type === 'object' ? childrenOf(node) : []) {
    if (property.type !== 'object_property') continue;
    const [key] = childrenOf(property);
    const value = childrenOf(property).at(-1);
    if (key && value) found.set(key.type === 'string' ? key.text.slice(1, -1) : key.text, value);
  }
  return found;
}

/** The elements of an array; none for anything else. */
export const elementsOf = (node: Node | undefined): Node[] =>
  node?.type === 'array' ? childrenOf(node).filter(({ type }) => !/^[[\],]$|^comment$/.test(type)) : [];
