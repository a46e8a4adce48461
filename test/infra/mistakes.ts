import { childrenOf, type Node, walk } from './bicep';
import type { Template } from './template';

/** A small mistake in a file of the template. */
export interface Mistake {
  readonly kind: string;
  /** Where it is and what it changes, for a person. */
  readonly what: string;
  readonly path: string;
  readonly text: string;
}

interface Change {
  readonly kind: string;
  readonly node: Node;
  /** The text that replaces that of the node. */
  readonly by: string;
}

/** Every mistake of each kind, at every position of the template. */
export function* mistakesOf(template: Template): Generator<Mistake> {
  for (const { path, root } of template.files.values()) {
    for (const { kind, node, by } of changesOf(root)) {
      const text = root.text.slice(0, node.startIndex) + by + root.text.slice(node.endIndex);
      const was = node.text.slice(0, 60).replace(/\s+/g, ' ');
      yield { kind, path, text, what: `${path}:${node.startPosition.row + 1} ${kind}: ${was}` };
    }
  }
}

function* changesOf(root: Node): Generator<Change> {
  const roleIds = [...new Set(root.text.match(/\broleIds\.\w+/g) ?? [])];
  for (const node of walk(root)) {
    yield* changesOfProperty(node);
    yield* changesOfDeclaration(node);
    if (node.type === 'boolean')
      yield { kind: 'truth value turned', node, by: node.text === 'true' ? 'false' : 'true' };
    if (node.type === 'member_expression' && roleIds.includes(node.text))
      for (const by of roleIds.filter((other) => other !== node.text))
        yield { kind: 'role swapped', node, by };
    if (node.type === 'string' && /^'[0-9a-f-]{36}'$/.test(node.text))
      yield {
        kind: 'role id changed',
        node,
        by: node.text.replace(/^'(.)/, (_, first) => `'${first === '0' ? '1' : '0'}`),
      };
    if (node.type === 'string' && /@\d{4}-\d\d-\d\d'$/.test(node.text)) {
      yield { kind: 'API version changed', node, by: node.text.replace(/@.*/, "@2000-01-01'") };
      yield { kind: 'type misspelt', node, by: node.text.replace('@', 'x@') };
    }
  }
}

function* changesOfProperty(node: Node): Generator<Change> {
  if (node.type !== 'object_property') return;
  const [key] = childrenOf(node);
  if (!key) return;
  const place = isWithin(node, 'params') ? 'parameter of a module' : isSetting(node) ? 'setting' : 'property';
  yield { kind: `${place} dropped`, node, by: '' };
  const misspelt = key.type === 'string' ? key.text.replace(/'$/, "x'") : `${key.text}x`;
  yield { kind: `${place} misspelt`, node: key, by: misspelt };
}

/** Whether the object around a property is the value of a property of this name. */
const isWithin = (node: Node, name: string) => node.parent?.parent?.children[0]?.text === name;

const isSetting = (node: Node) =>
  isWithin(node, 'properties') && /'appsettings'/.test(node.parent?.parent?.parent?.text ?? '');

function* changesOfDeclaration(node: Node): Generator<Change> {
  if (!/^(parameter|variable|resource|module|output)_declaration$/.test(node.type)) return;
  yield { kind: 'declaration dropped', node, by: '' };
  const name = childrenOf(node).find(({ type }) => type === 'identifier');
  if (name && node.type === 'output_declaration')
    yield { kind: 'output misspelt', node: name, by: `${name.text}x` };
}
