import { type BicepFile, type Declaration, literalOf, type Node, propertiesOf } from './bicep';
import { typeOf } from './checkResources';
import { find, inMain, ofKind, type Template } from './template';

/** The built-in roles that the template may give, by the names that it has for them. */
const roles: Readonly<Record<string, string>> = {
  eventHubsDataReceiver: 'a638d3c7-ab3a-418d-83e6-5f17a39d4fde',
  eventHubsDataSender: '2b629674-e913-4c01-ae53-ef4638d8f975',
  storageBlobDataOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b',
  storageBlobDataContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe',
  keyVaultSecretsUser: '4633458b-17de-408a-b874-0445c86b69e6',
  monitoringMetricsPublisher: '3913510d-42f4-4e42-8a64-420c390055eb',
  durableTaskDataContributor: '0ad04412-c4d5-4796-b79c-f76d14c8d402',
};

const app = 'identity.outputs.principalId';
const deployer = 'principalId';

/** The roles that are needed: for whom, which, and on which resource, each by its text in main.bicep. */
const needed: readonly (readonly [string, string, string])[] = [
  [app, 'eventHubsDataReceiver', 'namespaceName'],
  [app, 'eventHubsDataSender', 'namespaceName'],
  [app, 'storageBlobDataContributor', 'lake.outputs.name'],
  [app, 'storageBlobDataOwner', 'hostStorage.outputs.name'],
  [app, 'keyVaultSecretsUser', 'keyVault.outputs.name'],
  [app, 'monitoringMetricsPublisher', 'monitoring.outputs.insightsName'],
  [app, 'durableTaskDataContributor', 'scheduler.outputs.name'],
  // For commands on the deployer's machine, like verify, trace, table and checkpoints. Two need the right to send: generate, and doctor,
  // which asks whether it may.
  [deployer, 'eventHubsDataReceiver', 'namespaceName'],
  [deployer, 'eventHubsDataSender', 'namespaceName'],
  [deployer, 'storageBlobDataContributor', 'lake.outputs.name'],
  [deployer, 'storageBlobDataContributor', 'hostStorage.outputs.name'],
  // The serverless pool reads the lake as its workspace.
  ['workspace.identity.principalId', 'storageBlobDataContributor', 'lake.outputs.name'],
];

export function checkRoles(template: Template): string[] {
  const given: string[] = [];
  const wrong: string[] = [];
  for (const file of template.files.values()) {
    wrong.push(...checkRoleIds(file));
    for (const one of ofKind(file, 'resource')) {
      if (typeOf(one) !== 'Microsoft.Authorization/roleAssignments') continue;
      wrong.push(...checkAssignment(file, one));
      given.push(describeGrant(template, file, one));
    }
  }
  const wanted = needed.map((parts) => parts.join(' '));
  return [
    ...wrong,
    ...wanted.filter((grant) => !given.includes(grant)).map((grant) => `nothing grants: ${grant}`),
    ...given
      .filter((grant, index) => !wanted.includes(grant) || given.indexOf(grant) !== index)
      .map((grant) => `nobody needs: ${grant}`),
  ];
}

function checkRoleIds(file: BicepFile): string[] {
  return [...propertiesOf(find(file, 'roleIds')?.value)]
    .filter(([name, value]) => roles[name] !== literalOf(value))
    .map(([name]) => `${file.path}: roleIds.${name} is not the id of that role`);
}

/** The parts of a role assignment: the role, the principal, and the resource on which the role is given. */
function partsOf(one: Declaration) {
  const properties = propertiesOf(one.value);
  const inner = propertiesOf(properties.get('properties'));
  const role = /roleIds\.(\w+)/.exec(inner.get('roleDefinitionId')?.text ?? '')?.[1] ?? '';
  return {
    name: properties.get('name'),
    scope: properties.get('scope'),
    principal: inner.get('principalId'),
    type: inner.get('principalType'),
    definition: inner.get('roleDefinitionId'),
    role,
  };
}

/** Checks an assignment. Its name must be made of all of its parts, because otherwise two assignments could have the same name. */
function checkAssignment(file: BicepFile, one: Declaration): string[] {
  const { name, scope, principal, type, definition, role } = partsOf(one);
  const who = principal?.text === 'workspace.identity.principalId' ? 'workspace.id' : principal?.text;
  const isService = /^(appPrincipalId|workspace\.)/.test(principal?.text ?? '');
  const wantedType = isService ? "'ServicePrincipal'" : `${principal?.text.replace(/Id$/, '')}Type`;
  const wrong = [
    ...(name?.text === `guid(${scope?.text}.id, ${who}, roleIds.${role})`
      ? []
      : ['its name is not made of its scope, principal and role']),
    ...(definition?.text ===
    `subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds.${role})`
      ? []
      : ['its role is not named by roleIds']),
    ...(type?.text === wantedType ? [] : [`its principalType is not ${wantedType}`]),
  ];
  return wrong.map((text) => `${file.path}: ${one.name}: ${text}`);
}

function describeGrant(template: Template, file: BicepFile, one: Declaration): string {
  const { scope, principal, role } = partsOf(one);
  const resource = find(file, scope?.text);
  const place: Node | undefined = propertiesOf(resource?.value).get('name');
  return [inMain(template, file, principal), role, inMain(template, file, place)].join(' ');
}
