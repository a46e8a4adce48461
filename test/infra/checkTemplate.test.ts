import { beforeAll, expect, it } from 'vitest';
import { clickstream } from '../../src/lib/streams/clickstream';
import { checkSettings } from './checkSettings';
import { makeCheck } from './checkTemplate';
import { mistakesOf } from './mistakes';
import { readTemplate, readTexts, type Template } from './template';

let check: (template: Template) => string[];
const texts = readTexts();

beforeAll(async () => {
  check = await makeCheck();
});

it('nothing is wrong with the template', () => {
  expect(check(readTemplate(texts))).toEqual([]);
});

it('settings of a stream that was removed may stay, but none that is misspelt', () => {
  const clicksAlone = (from: ReadonlyMap<string, string>) => checkSettings(readTemplate(from), [clickstream]);
  expect(clicksAlone(texts)).toEqual([]);
  const path = `${modules}/functionApp.bicep`;
  const text = (texts.get(path) ?? '').replace('CLICKSTREAM_HUB:', 'CLICKSTREM_HUB:');
  expect(clicksAlone(new Map(texts).set(path, text))).toEqual([
    `${path}: the setting CLICKSTREAM_HUB is missing`,
    `${path}: CLICKSTREM_HUB is no setting of the app or its host`,
    expect.stringContaining('CLICKSTREAM_HUB is missing'),
    `${path}: CLICKSTREM_HUB is not the hub of its stream`,
  ]);
});

const modules = 'deploy/infra/modules';

it.each([
  [
    'text that is no Bicep',
    `${modules}/lake.bicep`,
    'param tags object',
    'param tags object =',
    'is not Bicep',
  ],
  [
    'a name that is not declared',
    `${modules}/lake.bicep`,
    'name: name',
    'name: nome',
    'uses nome, which is not declared',
  ],
  [
    'an unused parameter',
    `${modules}/lake.bicep`,
    'param tags object',
    'param tags object\nparam more string',
    'more is declared and not used',
  ],
  [
    'a key as an output',
    `${modules}/lake.bicep`,
    'account.properties.primaryEndpoints.blob',
    'account.listKeys().keys[0].value',
    'shows a secret',
  ],
  [
    'a secret as an output',
    `${modules}/keyVault.bicep`,
    'output name string = vault.name',
    'output name string = coincapApiKey',
    'shows a secret',
  ],
  [
    'a secret in the text',
    `${modules}/functionApp.bicep`,
    "'https://rest.coincap.io'",
    "'AccountKey=c2VjcmV0c2VjcmV0'",
    'holds a secret',
  ],
  [
    'a secret that is shown in the history of deployments',
    `${modules}/keyVault.bicep`,
    '@secure()\n',
    '',
    'is a secret without @secure()',
  ],
  [
    'a connection without the id of its identity',
    `${modules}/functionApp.bicep`,
    '    LakeStorage__clientId: clientId\n',
    '',
    'the setting LakeStorage__clientId is missing',
  ],
  [
    'storage of the host in the place of the lake',
    'deploy/infra/main.bicep',
    'lakeBlobEndpoint: lake.outputs',
    'lakeBlobEndpoint: hostStorage.outputs',
    'LakeStorage__blobServiceUri is not lake.outputs.blobEndpoint',
  ],
  [
    'a value that the app would refuse',
    `${modules}/functionApp.bicep`,
    "'*/10 * * * * *'",
    "'every hour'",
    'CLICKSTREAM_SCHEDULE',
  ],
  [
    'a role that nobody needs',
    `${modules}/roles.bicep`,
    'name: guid(lake.id, adminId,',
    'name: guid(vault.id, adminId,',
    'its name is not made of',
  ],
  [
    'keys that open the lake',
    `${modules}/lake.bicep`,
    'allowSharedKeyAccess: false',
    'allowSharedKeyAccess: true',
    'allowSharedKeyAccess is true',
  ],
  [
    'a lake whose deleted files are gone at once',
    `${modules}/lake.bicep`,
    / {2}properties: \{\n {4}\/\/ A file[\s\S]*?\n {2}\}\n/.exec(
      texts.get(`${modules}/lake.bicep`) ?? '',
    )?.[0] ?? '?',
    '',
    'the lake must keep deleted files',
  ],
  [
    'an output that a hook reads',
    'deploy/infra/main.bicep',
    'output IDENTITY_NAME',
    'output IDENTITY',
    'reads IDENTITY_NAME, which is no output',
  ],
  [
    'nobody in the allowlist',
    'deploy/infra/main.bicep',
    "= [ '0.0.0.0/0' ]",
    '= []',
    'schedulerAllowlist must not be empty',
  ],
  [
    'batches that do not fit the memory',
    `${modules}/functionApp.bicep`,
    "'2097152'",
    "'8388608'",
    'do not fit 512 MB',
  ],
  [
    'a lake whose redundancy nobody can choose',
    `${modules}/lake.bicep`,
    'name: redundancy',
    "name: 'Standard_ZRS'",
    'redundancy is declared and not used',
  ],
  [
    'a way to update that Azure does not know',
    `${modules}/functionApp.bicep`,
    "type: 'Recreate'",
    "type: 'Rolling'",
    'siteUpdateStrategy.type is Rolling, which is none of Recreate, RollingUpdate',
  ],
  [
    'a way to update that is left to Azure',
    `${modules}/functionApp.bicep`,
    / {6}siteUpdateStrategy: \{\n.*\n {6}\}\n/.exec(texts.get(`${modules}/functionApp.bicep`) ?? '')?.[0] ??
      '?',
    '',
    'siteUpdateStrategy is missing',
  ],
  [
    'a hub that another stream has',
    'deploy/infra/main.bicep',
    'clickstreamHub: hubs[0]',
    'clickstreamHub: hubs[1]',
    'CLICKSTREAM_HUB is not the hub of its stream',
  ],
  [
    'clicks in a namespace of others',
    'deploy/infra/main.bicep',
    'clicksPerSecond: makesHubs ? clicksPerSecond : 0',
    'clicksPerSecond: clicksPerSecond',
    'clicks must not be emitted',
  ],
  [
    'one parameter in the place of another',
    'deploy/infra/main.bicep',
    'instanceMemoryMB: instanceMemoryMB',
    'instanceMemoryMB: maximumInstanceCount',
    'instanceMemoryMB is not the one of main.bicep',
  ],
  [
    'a database that nobody chose',
    'deploy/infra/main.bicep',
    "if (warehouse == 'azureSql')",
    "if (warehouse != 'azureSql')",
    'Azure SQL must be made only if it was chosen',
  ],
  [
    'a name that is too long',
    'deploy/infra/main.bicep',
    `'kv-\${token}'`,
    `'keyvault-tributary-\${token}'`,
    'Azure refuses a name like keyvault-tributary-',
  ],
  [
    'a character that a name must not have',
    'deploy/infra/main.bicep',
    `'host\${token}'`,
    `'host-\${token}'`,
    'Azure refuses a name like host-',
  ],
  [
    'two accounts of one name',
    'deploy/infra/main.bicep',
    `'host\${token}'`,
    `'lake\${token}'`,
    'another Microsoft.Storage/storageAccounts has its name',
  ],
  [
    'a parameter that azd cannot choose',
    'deploy/infra/main.parameters.json',
    `"\${HUB_PARTITIONS=4}"`,
    `"\${HUB_PARTITIONS=8}"`,
    'must let azd choose partitions',
  ],
  [
    'events that are kept for longer than Standard can',
    `${modules}/eventHubs.bicep`,
    'retentionTimeInHours: 168',
    'retentionTimeInHours: 720',
    'retentionTimeInHours is 720',
  ],
  [
    'another id in the place of the one that the app logs in with',
    `${modules}/identity.bicep`,
    'identity.properties.clientId',
    'identity.properties.principalId',
    'the output clientId is identity.properties.principalId',
  ],
  [
    'the other endpoint of an account',
    `${modules}/lake.bicep`,
    'account.properties.primaryEndpoints.blob',
    'account.properties.primaryEndpoints.dfs',
    'the output blobEndpoint is',
  ],
  [
    'a value where Azure wants the id of a resource',
    `${modules}/functionApp.bicep`,
    'keyVaultReferenceIdentity: identityId',
    'keyVaultReferenceIdentity: clientId',
    'keyVaultReferenceIdentity is clientId, which is no id',
  ],
  [
    'a resource that is read and was not made',
    `${modules}/alerts.bicep`,
    'empty(email) ? [] : [ receivers.id ]',
    '[ receivers.id ]',
    'reads receivers.id, which may not have been made',
  ],
  [
    'a module outside of a resource group',
    'deploy/infra/main.bicep',
    "'modules/roles.bicep' = {\n  scope: group",
    "'modules/roles.bicep' = {\n  scope: subscription()",
    'the scope of roles is no resource group',
  ],
  [
    'a connection string that the app would refuse',
    `${modules}/functionApp.bicep`,
    `Database=\${warehouseDatabase}`,
    `Databse=\${warehouseDatabase}`,
    'WAREHOUSE is malformed',
  ],
  [
    'a duration that the app would refuse',
    `${modules}/functionApp.bicep`,
    "COMMIT_INTERVAL: '1s'",
    "COMMIT_INTERVAL: '1 sec'",
    'COMMIT_INTERVAL is malformed',
  ],
  [
    'batches that wait for more events than they may have',
    `${modules}/functionApp.bicep`,
    "minEventBatchSize: '1000'",
    "minEventBatchSize: '5000'",
    'do not fit 512 MB',
  ],
  [
    'a database that never pauses',
    `${modules}/sqlDatabase.bicep`,
    'autoPauseDelay: 60',
    'autoPauseDelay: -1',
    'autoPauseDelay is -1',
  ],
])('it notices %s', (_, path, before, after, line) => {
  const text = texts.get(path) ?? '';
  expect(text).toContain(before);
  const wrong = check(readTemplate(new Map(texts).set(path, text.replace(before, after))));
  expect(wrong.join('\n')).toContain(line);
});

it('notices nine mistakes of ten that it makes itself in a module', () => {
  const template = readTemplate(texts);
  const mistakes = [...mistakesOf(template)].filter(({ path }) => /\/scheduler\.bicep$/.test(path));
  const missed = mistakes.filter(
    ({ path, text }) => check(readTemplate(new Map(texts).set(path, text), template)).length === 0,
  );
  expect(mistakes.length).toBeGreaterThan(20);
  expect(missed.length).toBeLessThan(mistakes.length / 10);
});
