import { type BicepFile, childrenOf, type Declaration, type Node, propertiesOf, walk } from './bicep';
import { find, inMain, ofKind, type Template } from './template';

/*
 * Checks what Bicep's compiler cannot, because all values are texts to it: an output must be what its name says, an id must be an id, and a
 * resource that is read must have been made.
 */

/** The property that a module's output must read, for each output that does not have the name of its property. */
const readsAtLast: Readonly<Record<string, string>> = {
  clientId: 'properties.clientId',
  principalId: 'properties.principalId',
  blobEndpoint: 'primaryEndpoints.blob',
  dfsEndpoint: 'primaryEndpoints.dfs',
  sqlEndpoint: 'connectivityEndpoints.sql',
  serverlessEndpoint: 'connectivityEndpoints.sqlOnDemand',
  server: 'properties.fullyQualifiedDomainName',
  hostName: 'properties.defaultHostName',
  endpoint: 'properties.endpoint',
  insightsId: 'insights.id',
  insightsName: 'insights.name',
  insightsConnectionString: 'properties.ConnectionString',
  packagesContainer: 'container.name',
  container: 'container.name',
  taskHub: 'taskHub.name',
};

/** Properties that take the id of a resource. */
const takeIds =
  /^(serverFarmId|keyVaultReferenceIdentity|userAssignedIdentityResourceId|WorkspaceResourceId|workspaceResourceId)$/;

export function checkMeanings(template: Template): string[] {
  return [...template.files.values()].flatMap((file) =>
    [
      ...(file === template.main ? checkScopes(file) : checkOutputs(file)),
      ...checkIds(template, file),
      ...file.declarations.flatMap((one) => checkIfMade(file, one)),
    ].map((text) => `${file.path}: ${text}`),
  );
}

function checkOutputs(file: BicepFile): string[] {
  return ofKind(file, 'output')
    .filter(({ value }) => value?.type === 'member_expression')
    .filter(({ name, value }) => !`.${value?.text}`.endsWith(`.${readsAtLast[name] ?? name}`))
    .map(({ name, value }) => `the output ${name} is ${value?.text}, which is something else`);
}

function checkIds(template: Template, file: BicepFile): string[] {
  return ofKind(file, 'resource')
    .flatMap(({ nodes }) => nodes.flatMap((node) => [...walk(node)]))
    .filter((node) => node.type === 'object')
    .flatMap((object) => [...propertiesOf(object)])
    .filter(
      ([name, value]) =>
        takeIds.test(name) && !/\.(id|outputs\.insightsId)$/.test(inMain(template, file, value)),
    )
    .map(([name, value]) => `${name} is ${value.text}, which is no id of a resource`);
}

/** All modules make resources of a resource group, so the scope of each must be one. */
const checkScopes = (main: BicepFile): string[] =>
  ofKind(main, 'module')
    .filter(
      ({ value }) =>
        !/^(group|resourceGroup\([\s\S]*\))$/.test(propertiesOf(value).get('scope')?.text ?? 'group'),
    )
    .map(({ name }) => `the scope of ${name} is no resource group`);

const isConditional = ({ nodes }: Declaration): boolean =>
  nodes.some((node) => childrenOf(node).some(({ type }) => type === 'if_statement'));

/** A resource or module with a condition is read only behind another condition, or with .? */
function checkIfMade(file: BicepFile, one: Declaration): string[] {
  if (isConditional(one)) return [];
  return one.nodes
    .flatMap((node) => [...walk(node)])
    .filter((node) => node.type === 'member_expression' && !node.text.includes('.?'))
    .filter((node) => {
      const of = find(file, node.text.split('.')[0]);
      return of && isConditional(of) && !isChosen(node);
    })
    .map((node) => `${one.name} reads ${node.text}, which may not have been made`);
}

const isChosen = (node: Node | null): boolean =>
  node !== null && (node.type === 'ternary_expression' || isChosen(node.parent));
