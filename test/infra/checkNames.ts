import { type BicepFile, type Declaration, propertiesOf } from './bicep';
import { typeOf } from './checkResources';
import { find, moduleOf, ofKind, paramsOf, type Template } from './template';

/*
 * The names of resources: Azure refuses one that is too long or has a character that its type does not allow, and two resources of one
 * type cannot share one.
 */

/** What Azure accepts as a name, for the types that have rules of their own. */
const rules: Readonly<Record<string, RegExp>> = {
  'Microsoft.Storage/storageAccounts': /^[a-z0-9]{3,24}$/,
  'Microsoft.KeyVault/vaults': /^[a-z][a-z0-9-]{1,22}[a-z0-9]$/i,
  'Microsoft.EventHub/namespaces': /^[a-z][a-z0-9-]{4,48}[a-z0-9]$/i,
  'Microsoft.Web/sites': /^[a-z0-9][a-z0-9-]{0,58}[a-z0-9]$/i,
  'Microsoft.Synapse/workspaces': /^[a-z0-9][a-z0-9-]{0,48}[a-z0-9]$/,
  'Microsoft.Sql/servers': /^[a-z0-9][a-z0-9-]{0,61}[a-z0-9]$/,
};

/** Stands for the result of uniqueString(), which has 13 letters and digits. */
const unique = 'abcdefghijklm';

export function checkNames(template: Template): string[] {
  const nameOf = (one: Declaration, file: BicepFile) =>
    expand(template, file, propertiesOf(one.value).get('name')?.text ?? '');
  const named = [...template.files.values()].flatMap((file) =>
    ofKind(file, 'resource')
      .filter((one) => !one.isExisting && !one.loop && !propertiesOf(one.value).has('parent'))
      .filter((one) => typeOf(one) !== 'Microsoft.Authorization/roleAssignments')
      .map((one) => ({ file, one, type: typeOf(one), name: nameOf(one, file) })),
  );
  return named.flatMap(({ file, one, type, name }, index) => {
    const isTaken = named.findIndex((other) => other.type === type && other.name === name) < index;
    return [
      ...(rules[type]?.test(name) === false ? [`Azure refuses a name like ${name}`] : []),
      ...(isTaken ? [`another ${type} has its name`] : []),
    ].map((text) => `${file.path}: ${one.name}: ${text}`);
  });
}

/** An expression as a text, with a stand-in for each part that only Azure knows. */
function expand(template: Template, file: BicepFile, text: string): string {
  const string = /'[^']*'/.exec(text)?.[0];
  if (string !== undefined)
    return string.slice(1, -1).replace(/\$\{(\w+)\}/g, (_, name) => expand(template, file, name));
  const declared = find(file, text);
  if (declared?.kind === 'var' && declared.value) return expand(template, file, declared.value.text);
  const passed = paramsOf(moduleOf(template, file)).get(text);
  return passed ? expand(template, template.main, passed.text) : unique;
}
