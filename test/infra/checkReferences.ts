import {
  type BicepFile,
  childrenOf,
  type Declaration,
  elementsOf,
  literalOf,
  type Node,
  propertiesOf,
  walk,
} from './bicep';
import { typeOf } from './checkResources';
import { resourceTypes } from './resourceTypes';
import { find, moduleFile, ofKind, type Template } from './template';

/*
 * Checks names: each name that is used must be declared and the other way round, and each member that is read must exist.
 */

const functions = new Set(
  'allowed batchSize contains description empty guid json maxLength maxValue metadata minLength minValue resourceGroup secure string subscription subscriptionResourceId tenant toLower union uniqueString'.split(
    ' ',
  ),
);

export function checkReferences(template: Template, file: BicepFile): string[] {
  const names = file.declarations.filter(({ kind }) => kind !== 'output').map(({ name }) => name);
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  const wrong = [
    ...twice.map((name) => `${name} is declared twice`),
    ...file.declarations.flatMap((one) => checkNames(file, one)),
    ...file.declarations.flatMap((one) => checkMembers(template, file, one)),
    ...findUnused(file),
    ...ofKind(file, 'var').flatMap((one) => findUnusedMembers(file, one)),
  ];
  return wrong.map((text) => `${file.path}: ${text}`);
}

/** The names that an expression uses. The names of an object's properties are not among them. */
function* usedNames(node: Node): Generator<{ readonly name: string; readonly isCall: boolean }> {
  const children = childrenOf(node);
  const first = children[0];
  for (const [index, child] of children.entries()) {
    const isKey = node.type === 'object_property' && index === 0 && child.type === 'identifier';
    const isDeclared = node.type.endsWith('_declaration') && index === 1;
    if (isKey || isDeclared) continue;
    if (child.type === 'identifier')
      yield { name: child.text, isCall: node.type === 'call_expression' && child === first };
    else yield* usedNames(child);
  }
}

function checkNames(file: BicepFile, one: Declaration): string[] {
  const names = new Set(file.declarations.filter(({ kind }) => kind !== 'output').map(({ name }) => name));
  for (const name of one.loop?.names ?? []) names.add(name);
  const used = one.nodes.flatMap((node) => [...usedNames(node)]);
  return used.flatMap(({ name, isCall }) => {
    if (isCall) return functions.has(name) ? [] : [`${one.name} calls ${name}, which is no known function`];
    return names.has(name) ? [] : [`${one.name} uses ${name}, which is not declared`];
  });
}

function findUnused(file: BicepFile): string[] {
  const used = new Set(
    file.declarations.flatMap(({ name, nodes }) => {
      const uses = nodes.flatMap((node) => [...usedNames(node)]);
      return uses.map((use) => use.name).filter((use) => use !== name);
    }),
  );
  const mustBeUsed = file.declarations.filter(
    ({ kind, isExisting }) => kind === 'param' || kind === 'var' || isExisting,
  );
  return mustBeUsed
    .filter(({ name }) => !used.has(name))
    .map(({ name }) => `${name} is declared and not used`);
}

/** The names after a name, as in `lake.outputs.name`. */
function* chains(node: Node): Generator<readonly string[]> {
  if (node.type === 'member_expression') {
    const chain = node.text.replaceAll('?.', '.').replaceAll('.?', '.').split('.');
    if (chain.every((part) => /^\w+$/.test(part))) yield chain;
    return;
  }
  for (const child of childrenOf(node)) yield* chains(child);
}

function checkMembers(template: Template, file: BicepFile, one: Declaration): string[] {
  return one.nodes
    .flatMap((node) => [...chains(node)])
    .flatMap((chain) => {
      const [root = '', ...rest] = chain;
      const wrong = one.loop?.names.includes(root)
        ? checkLoopMember(file, one, rest)
        : checkMember(template, file, find(file, root), rest);
      return wrong ? [`${one.name} reads ${chain.join('.')}, which is not there`] : [];
    });
}

function checkMember(
  template: Template,
  file: BicepFile,
  of: Declaration | undefined,
  rest: readonly string[],
): boolean {
  if (!of) return false;
  if (of.kind === 'module') {
    const target = moduleFile(template, file, of);
    return !(
      rest[0] === 'outputs' &&
      target &&
      ofKind(target, 'output').some(({ name }) => name === rest[1])
    );
  }
  if (of.kind === 'resource') {
    const known = ['id', 'name', ...(resourceTypes[typeOf(of)]?.reads ?? [])];
    return !known.includes(rest.join('.'));
  }
  const objects = objectsOf(file, of);
  return objects.length > 0 && !objects.every((object) => propertiesOf(object).has(rest[0] ?? ''));
}

function checkLoopMember(file: BicepFile, one: Declaration, rest: readonly string[]): boolean {
  const elements = elementsOf(find(file, one.loop?.over.text)?.value);
  return elements.length > 0 && !elements.every((element) => propertiesOf(element).has(rest[0] ?? ''));
}

/** The objects that a variable can be: its own value or, if it chooses one value of another object, each of these values. */
function objectsOf(file: BicepFile, { kind, value }: Declaration): Node[] {
  if (kind !== 'var' || !value) return [];
  if (value.type === 'object') return [value];
  if (value.type !== 'subscript_expression') return [];
  return [...propertiesOf(find(file, value.text.split('[')[0])?.value).values()];
}

/** Members of a variable's objects that nothing reads. Such a member is misspelt, or no longer needed. */
function findUnusedMembers(file: BicepFile, one: Declaration): string[] {
  const taken = file.declarations.find(
    ({ kind, value }) => kind === 'var' && value?.text.startsWith(`${one.name}[`),
  );
  if (taken?.value) return checkChoices(one, taken.value, file);
  const loop = file.declarations.find(({ loop: of }) => of?.over.text === one.name);
  const objects = loop ? elementsOf(one.value) : one.value?.type === 'object' ? [one.value] : [];
  const prefix = loop?.loop?.names[0] ?? one.name;
  const isReadWhole = !loop && [...walk(file.root)].filter((node) => isUseAsWhole(node, one.name)).length > 0;
  if (isReadWhole) return [];
  const text = file.root.text;
  const members = new Set(objects.flatMap((object) => [...propertiesOf(object).keys()]));
  return [...members]
    .filter((name) => !new RegExp(`\\b${prefix}\\.${name}\\b`).test(text))
    .map((name) => `nothing reads ${one.name}.${name}`);
}

const isUseAsWhole = (node: Node, name: string): boolean =>
  node.type === 'identifier' &&
  node.text === name &&
  !/^(member_expression|variable_declaration)$/.test(node.parent?.type ?? '');

/** The members that nothing reads, of an object from which a parameter chooses a value. */
function checkChoices(one: Declaration, chosen: Node, file: BicepFile): string[] {
  const reader = file.declarations.find(({ value }) => value?.text === chosen.text)?.name;
  const names = new Set(
    [...propertiesOf(one.value).values()].flatMap((value) => [...propertiesOf(value).keys()]),
  );
  const unread = [...names].filter((name) => !new RegExp(`\\b${reader}\\.${name}\\b`).test(file.root.text));
  return unread.map((name) => `nothing reads ${reader}.${name}`);
}

/** Secrets that an output gives away, or that stand in the template. */
export function checkSecrets(file: BicepFile): string[] {
  const secure = ofKind(file, 'param').filter(({ decorators }) => decorators.includes('@secure'));
  const outputs = ofKind(file, 'output').filter(({ value }) => {
    const text = value?.text ?? '';
    const usesSecret = secure.some(({ name }) =>
      new RegExp(`\\b${name}\\b`).test(text.replace(/empty\(\w+\)/g, '')),
    );
    return usesSecret || /list[A-Z]\w*\(|\.(primary|secondary)(Key|ConnectionString)/.test(text);
  });
  const strings = [...walk(file.root)].filter((node) => node.type === 'string');
  const inline = strings.filter((node) =>
    /(AccountKey|SharedAccessKey|Password|Pwd|SharedAccessSignature)\s*=\s*[^;<]{4}|sig=/i.test(node.text),
  );
  const defaults = secure.filter(({ value }) => value && literalOf(value) !== '');
  const named = ofKind(file, 'param').filter(
    ({ name, decorators }) => /(apiKey|password|secret)$/i.test(name) && !decorators.includes('@secure'),
  );
  return [
    ...outputs.map(({ name }) => `${file.path}: the output ${name} shows a secret`),
    ...inline.map((node) => `${file.path}:${node.startPosition.row + 1} holds a secret`),
    ...defaults.map(({ name }) => `${file.path}: ${name} is a secret and has a default`),
    ...named.map(({ name }) => `${file.path}: ${name} is a secret without @secure()`),
  ];
}
