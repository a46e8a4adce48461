import { settingDefinitions } from '../../src/lib/settingDefinitions';
import { parseSettings } from '../../src/lib/settings';
import { type Stream, settingsOf } from '../../src/lib/streams/stream';
import { type BicepFile, elementsOf, literalOf, type Node, propertiesOf, walk } from './bicep';
import { typeOf } from './checkResources';
import { find, inMain, moduleFile, moduleOf, ofKind, paramsOf, type Template } from './template';

/*
 * Checks that the template has all settings that the app declares, and those of the host.
 */

/** For each connection by identity, the setting with its address, and the expression of main.bicep that this must be. */
const connections: Readonly<Record<string, readonly [string, string]>> = {
  AzureWebJobsStorage: ['blobServiceUri', 'hostStorage.outputs.blobEndpoint'],
  EventHubConnection: ['fullyQualifiedNamespace', `'\${namespaceName}.servicebus.windows.net'`],
  LakeStorage: ['blobServiceUri', 'lake.outputs.blobEndpoint'],
};

/** Settings that the app declares but does not need in Azure: connections of a single stream, and settings that only commands use. */
const leftOut = /^(\w+_(LISTEN|SEND|MONTHLY_REQUESTS)|WAREHOUSE_READER)$/;

const hostSettings = [
  'APPLICATIONINSIGHTS_CONNECTION_STRING',
  'APPLICATIONINSIGHTS_AUTHENTICATION_STRING',
  'DurableTaskScheduler',
  'AzureFunctionsJobHost__extensions__durableTask__storageProvider__type',
  'AzureFunctionsJobHost__extensions__durableTask__storageProvider__connectionStringName',
];
/** The timer that loads what other loads missed is billed each minute, so it must be off where nothing is loaded. */
const switchOfLoads = 'AzureWebJobs.syncWarehouse.Disabled';
const batchSettings = ['maxEventBatchSize', 'minEventBatchSize', 'prefetchCount', 'prefetchSizeInBytes'].map(
  (name) => `AzureFunctionsJobHost__extensions__eventHubs__${name}`,
);

/** May be set: docs/operations.md says when. */
const optionalSettings = ['AzureFunctionsJobHost__extensions__eventHubs__maxWaitTime'];

/** The app's settings in the template, by name, and the file in which they are. */
export function settingsOfTemplate(template: Template): {
  readonly file: BicepFile;
  readonly settings: Map<string, Node>;
} {
  for (const file of template.files.values()) {
    const config = ofKind(file, 'resource').find((one) => typeOf(one) === 'Microsoft.Web/sites/config');
    if (config) return { file, settings: propertiesOf(propertiesOf(config.value).get('properties')) };
  }
  return { file: template.main, settings: new Map() };
}

/** @param streams those of the app, which declare settings of their own */
export function checkSettings(template: Template, streams: readonly Stream[]): string[] {
  const { file, settings } = settingsOfTemplate(template);
  const ofConnections = Object.entries(connections).flatMap(([name, [where]]) =>
    [where, 'credential', 'clientId'].map((suffix) => `${name}__${suffix}`),
  );
  const declared = [...settingDefinitions, ...streams.flatMap(settingsOf)]
    .map(({ name }) => name)
    .filter((name) => !leftOut.test(name) && !(name in connections));
  const wanted = [...declared, ...ofConnections, ...hostSettings, ...batchSettings, switchOfLoads];
  const removed = prefixesOfRemoved(template, streams);
  return [
    ...wanted.filter((name) => !settings.has(name)).map((name) => `the setting ${name} is missing`),
    ...[...settings.keys()]
      .filter((name) => !wanted.includes(name) && !optionalSettings.includes(name))
      .filter((name) => !removed.some((prefix) => name.startsWith(prefix)))
      .map((name) => `${name} is no setting of the app or its host`),
    ...checkConnections(template, file, settings),
    ...checkValues(settings, streams),
    ...checkOthers(template, file, settings),
    ...checkHubs(template, file, settings),
  ].map((text) => `${file.path}: ${text}`);
}

const hubsOf = ({ main }: Template) => elementsOf(find(main, 'hubs')?.value).map((hub) => literalOf(hub));

/**
 * The first parts of names of settings that may stay in the template although no stream has them. They belong to hubs whose stream was
 * removed from the app, as docs/add-a-stream.md allows. Nothing reads such settings.
 */
function prefixesOfRemoved(template: Template, streams: readonly Stream[]): string[] {
  return hubsOf(template)
    .map((hub = '') => `${hub.toUpperCase()}_`)
    .filter((prefix) => !streams.some(({ hubSetting }) => hubSetting === `${prefix}HUB`));
}

function checkConnections(
  template: Template,
  file: BicepFile,
  settings: ReadonlyMap<string, Node>,
): string[] {
  return Object.entries(connections).flatMap(([name, [where, source]]) => [
    ...(inMain(template, file, settings.get(`${name}__${where}`)) === source
      ? []
      : [`${name}__${where} is not ${source}`]),
    ...(settings.get(`${name}__credential`)?.text === "'managedidentity'"
      ? []
      : [`${name}__credential is not managedidentity`]),
    ...(inMain(template, file, settings.get(`${name}__clientId`)) === 'identity.outputs.clientId'
      ? []
      : [`${name}__clientId is not the app's identity`]),
  ]);
}

/** Each stream has the hub that has its name. */
function checkHubs(template: Template, file: BicepFile, settings: ReadonlyMap<string, Node>): string[] {
  const made = hubsOf(template);
  return [...settings]
    .filter(([name]) => name.endsWith('_HUB'))
    .filter(([name, value]) => {
      const place = /^hubs\[(\d+)\]$/.exec(inMain(template, file, value))?.[1];
      return made[Number(place)] !== name.replace('_HUB', '').toLowerCase();
    })
    .map(([name]) => `${name} is not the hub of its stream`);
}

/** The app accepts the values that stand in the template. */
function checkValues(settings: ReadonlyMap<string, Node>, streams: readonly Stream[]): string[] {
  const values = new Map([...settings].map(([name, value]) => [name, exampleOf(name, value)]));
  // The settings of a stream's source are read when it is asked for events.
  const ofStreams = streams.flatMap(settingsOf).flatMap(({ name, check }) => {
    const value = values.get(name);
    const wrong = value === undefined ? undefined : check?.(value, {});
    return wrong ? [`${name} ${wrong}`] : [];
  });
  try {
    parseSettings(Object.fromEntries(values), streams);
    return ofStreams;
  } catch (error) {
    return [String(error instanceof Error ? error.message : error)];
  }
}

/** A value as the app may get it, with something in the place of what only Azure knows. */
function exampleOf(name: string, value: Node): string {
  const texts = [...walk(value)].filter(({ type }) => type === 'string');
  const composed = texts.find((text) => literalOf(text) === undefined)?.text;
  if (name.endsWith('__blobServiceUri')) return 'https://account.blob.core.windows.net/';
  if (name.endsWith('__fullyQualifiedNamespace')) return 'namespace.servicebus.windows.net';
  if (name.endsWith('_HUB')) return name.toLowerCase();
  if (value.type === 'call_expression') return '1';
  // Azure puts the secret in the place of a reference.
  if (composed?.includes('@Microsoft.KeyVault')) return 'secret';
  return literalOf(value) ?? composed?.slice(1, -1).replace(/\$\{[^}]*\}/g, 'example') ?? 'example';
}

/** Whether something is right, and the sentence to print if it is not. */
type Rule = readonly [holds: boolean, wrong: string];

function checkOthers(template: Template, file: BicepFile, settings: ReadonlyMap<string, Node>): string[] {
  const rules = [...rulesOfTexts(settings), ...rulesOfModules(template, file, settings)];
  return rules.filter(([holds]) => !holds).map(([, wrong]) => wrong);
}

/** The rules for values of settings that are right or wrong by themselves. */
function rulesOfTexts(settings: ReadonlyMap<string, Node>): readonly Rule[] {
  const text = (name: string) => settings.get(name)?.text ?? '';
  return [
    [
      text(hostSettings[3] ?? '') === "'azureManaged'",
      'the storage provider of orchestrations is not azureManaged',
    ],
    [
      text(hostSettings[4] ?? '') === "'DurableTaskScheduler'",
      'the connection of the scheduler is not DurableTaskScheduler',
    ],
    [
      /^'Endpoint=\$\{\w+\};TaskHub=\$\{\w+\};Authentication=ManagedIdentity;ClientID=\$\{clientId\}'$/.test(
        text('DurableTaskScheduler'),
      ),
      'DurableTaskScheduler is malformed',
    ],
    [
      text('APPLICATIONINSIGHTS_AUTHENTICATION_STRING') === `'ClientId=\${clientId};Authorization=AAD'`,
      'APPLICATIONINSIGHTS_AUTHENTICATION_STRING is malformed',
    ],
    [
      text('COINCAP_API_KEY').includes(`@Microsoft.KeyVault(SecretUri=\${`),
      'COINCAP_API_KEY is no reference to Key Vault',
    ],
    [
      text('WAREHOUSE').includes(`Authentication=Active Directory Managed Identity;User Id=\${clientId}`),
      'WAREHOUSE does not log in with the identity',
    ],
    [
      text(switchOfLoads) === `empty(warehouseServer) ? 'true' : 'false'`,
      `${switchOfLoads} must be true without a warehouse, and false with one`,
    ],
  ];
}

/** The rules for settings that must fit other parts of the template. */
function rulesOfModules(
  template: Template,
  file: BicepFile,
  settings: ReadonlyMap<string, Node>,
): readonly Rule[] {
  const text = (name: string) => settings.get(name)?.text ?? '';
  const hub = JSON.parse(template.texts.get('host.json') ?? '{}').extensions.durableTask.hubName;
  const scheduler = [...template.files.values()].find(({ path }) => path.endsWith('/scheduler.bicep'));
  const taskHub = scheduler && propertiesOf(find(scheduler, 'taskHub')?.value).get('name');
  const lake = ofKind(template.main, 'module').find(({ name }) => name === 'lake');
  const host = ofKind(template.main, 'module').find(({ name }) => name === 'hostStorage');
  const textOf = (module: typeof lake) =>
    (module && moduleFile(template, template.main, module)?.root.text) ?? '';
  const hasFolders = (module: typeof lake) => /isHnsEnabled: true/.test(textOf(module));
  return [
    [taskHub !== undefined && literalOf(taskHub) === hub, `the task hub is not ${hub}, as in host.json`],
    [
      text('CLICKS_PER_SECOND') === 'string(clicksPerSecond)' &&
        paramsOf(moduleOf(template, file)).get('clicksPerSecond')?.text === 'makesHubs ? clicksPerSecond : 0',
      'clicks must not be emitted in a namespace that exists already',
    ],
    [
      inMain(template, file, settings.get('LAKE_CONTAINER')) === 'lake.outputs.container',
      'LAKE_CONTAINER is not the container of the lake',
    ],
    [
      hasFolders(lake) && !hasFolders(host),
      'the lake must have a hierarchical namespace, and the storage of the host must not',
    ],
    [
      textOf(lake).includes('deleteRetentionPolicy:'),
      'the lake must keep deleted files for a while, as docs/operations.md says',
    ],
  ];
}
