import { loadStreams } from '../../src/lib/streams/loadStreams';
import { type BicepFile, loadGrammar } from './bicep';
import { checkMeanings } from './checkMeanings';
import { checkModules } from './checkModules';
import { checkNames } from './checkNames';
import { checkReferences, checkSecrets } from './checkReferences';
import { checkResources, typeOf } from './checkResources';
import { checkRoles } from './checkRoles';
import { checkSettings } from './checkSettings';
import { ofKind, type Template } from './template';

/** Resources that the app needs although nothing in the template refers to them. */
const mustBeMade = [
  'Microsoft.EventHub/namespaces/eventhubs/consumergroups',
  'Microsoft.Insights/scheduledQueryRules',
  'Microsoft.KeyVault/vaults/secrets',
  'Microsoft.Sql/servers/databases',
  'Microsoft.Sql/servers/firewallRules',
  'Microsoft.Storage/storageAccounts/blobServices/containers',
  'Microsoft.Synapse/workspaces/administrators',
  'Microsoft.Synapse/workspaces/firewallRules',
  'Microsoft.Synapse/workspaces/sqlPools',
];

function findMissing(files: readonly BicepFile[]): string[] {
  const made = new Set(
    files.flatMap((file) =>
      ofKind(file, 'resource')
        .filter((one) => !one.isExisting)
        .map(typeOf),
    ),
  );
  return mustBeMade.filter((type) => !made.has(type)).map((type) => `nothing makes ${type}`);
}

/** Makes the check of a template, which gives one line for each thing that is wrong. */
export async function makeCheck(): Promise<(template: Template) => string[]> {
  await loadGrammar();
  const streams = await loadStreams();
  return (template) => {
    const files = [...template.files.values()];
    const syntax = files.flatMap(({ syntaxErrors }) => syntaxErrors);
    if (syntax.length > 0) return syntax;
    return [
      ...files.flatMap((file) => [
        ...checkResources(file),
        ...checkReferences(template, file),
        ...checkSecrets(file),
      ]),
      ...findMissing(files),
      ...checkModules(template),
      ...checkNames(template),
      ...checkMeanings(template),
      ...checkRoles(template),
      ...checkSettings(template, streams),
    ];
  };
}
