import { type BicepFile, type Declaration, elementsOf, literalOf, type Node, propertiesOf } from './bicep';
import type { Shape } from './resourceShape';
import { resourceTypes } from './resourceTypes';

/** What is wrong with the resources of a file, by the table of types. */
export function checkResources(file: BicepFile): string[] {
  const resources = file.declarations.filter(({ kind }) => kind === 'resource');
  return resources.flatMap((one) =>
    checkResource(one, resources).map((text) => `${file.path}: ${one.name}: ${text}`),
  );
}

export const typeOf = ({ target }: Declaration): string => target.split('@')[0] ?? '';

function checkResource(one: Declaration, others: readonly Declaration[]): string[] {
  const type = resourceTypes[typeOf(one)];
  if (!type) return [`the type ${typeOf(one)} is not in the table`];
  const version = one.target.split('@')[1];
  const wrong = version === type.version ? [] : [`the API version ${version} is not ${type.version}`];
  const { parent, scope, name } = type.shape;
  const shape = one.isExisting
    ? { name: name ?? 'any', ...(parent && { parent }), 'scope?': 'any' as const }
    : type.shape;
  wrong.push(...checkShape('', one.value, shape));
  const properties = propertiesOf(one.value);
  if (parent) wrong.push(...checkParent(one, properties.get('parent'), others));
  if (scope && !others.some((other) => other.name === properties.get('scope')?.text))
    wrong.push('its scope is no resource of this file');
  return wrong;
}

function checkParent(one: Declaration, given: Node | undefined, others: readonly Declaration[]): string[] {
  const wanted = typeOf(one).split('/').slice(0, -1).join('/');
  const parent = others.find(({ name }) => name === given?.text.split('[')[0]);
  return parent && typeOf(parent) === wanted ? [] : [`its parent is no ${wanted}`];
}

function checkShape(path: string, value: Node | undefined, shape: Shape): string[] {
  if (shape === 'any' || !value) return [];
  const literal = literalOf(value);
  if (isWords(shape))
    return literal === undefined || shape.includes(literal)
      ? []
      : [`${path} is ${literal}, which is none of ${shape.join(', ')}`];
  if ('each' in shape)
    return elementsOf(value).flatMap((element) => checkShape(`${path}[]`, element, shape.each as Shape));
  if (value.type !== 'object') return literal === undefined ? [] : [`${path} is no object`];
  return checkObject(path, value, shape as { readonly [name: string]: Shape });
}

const isWords = (shape: Shape): shape is readonly string[] => Array.isArray(shape);

function checkObject(path: string, value: Node, shape: { readonly [name: string]: Shape }): string[] {
  const given = propertiesOf(value);
  const at = (name: string) => (path ? `${path}.${name}` : name);
  const unknown = [...given.keys()].filter((name) => !(name in shape) && !(`${name}?` in shape));
  const missing = Object.keys(shape).filter((name) => !name.endsWith('?') && !given.has(name));
  const wrong = [...given].flatMap(([name, inner]) =>
    checkShape(at(name), inner, shape[name] ?? shape[`${name}?`] ?? 'any'),
  );
  return [
    ...unknown.map((name) => `${at(name)} is no property of its type`),
    ...missing.map((name) => `${at(name)} is missing`),
    ...wrong,
  ];
}
