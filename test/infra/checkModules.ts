import { parse } from 'yaml';
import { type BicepFile, type Declaration, literalOf, propertiesOf } from './bicep';
import { typeOf } from './checkResources';
import { settingsOfTemplate } from './checkSettings';
import { find, moduleFile, ofKind, paramsOf, type Template } from './template';

/*
 * What goes from file to file: parameters and outputs of modules, parameters of the template, and outputs that the hooks read.
 */

export function checkModules(template: Template): string[] {
  const { main } = template;
  const modules = ofKind(main, 'module');
  const used = new Set(modules.map((one) => moduleFile(template, main, one)));
  const unused = [...template.files.values()].filter((file) => file !== main && !used.has(file));
  return [
    ...unused.map(({ path }) => `${path} is no module of main.bicep`),
    ...(main.root.text.includes("targetScope = 'subscription'")
      ? []
      : ['main.bicep must have the scope of a subscription']),
    ...modules.flatMap((one) => checkModule(template, one)),
    ...checkParameterFiles(template),
    ...checkMadeIfChosen(template),
    ...checkHooks(template),
    ...checkTags(template),
  ];
}

function checkModule(template: Template, one: Declaration): string[] {
  const file = moduleFile(template, template.main, one);
  if (!file) return [`main.bicep: ${one.name}: there is no file ${one.target}`];
  const allowed = ['scope', 'params', 'dependsOn', 'name'];
  const given = propertiesOf(one.value);
  const passed = paramsOf(one);
  const params = ofKind(file, 'param');
  const unread = ofKind(file, 'output').filter(({ name }) => !reads(template.main, one, name));
  return [
    ...[...given.keys()]
      .filter((name) => !allowed.includes(name))
      .map((name) => `${name} is no property of a module`),
    ...(given.has('scope') ? [] : ['its scope is missing']),
    ...params
      .filter(({ name, value }) => !value && !passed.has(name))
      .map(({ name }) => `the parameter ${name} is missing`),
    ...[...passed.keys()]
      .filter((name) => find(file, name)?.kind !== 'param')
      .map((name) => `${name} is no parameter of it`),
    ...[...passed]
      .filter(([name, { text }]) => find(template.main, name)?.kind === 'param' && !names(text, name))
      .map(([name]) => `its parameter ${name} is not the one of main.bicep`),
    ...unread.map(({ name }) => `nothing reads its output ${name}`),
    ...missingOrder(template, one, file),
    ...checkSecureParams(template, passed, file),
  ].map((text) => `main.bicep: ${one.name}: ${text}`);
}

const names = (text: string, name: string) => new RegExp(`\\b${name}\\b`).test(text);

const reads = (main: BicepFile, module: Declaration, output: string) =>
  new RegExp(`\\b${module.name}\\.\\??outputs\\.${output}\\b`).test(main.root.text);

/** A module that names resources of another one must come after it: it uses an output of it, or says so with dependsOn. */
function missingOrder(template: Template, one: Declaration, file: BicepFile): string[] {
  const types = ofKind(file, 'resource')
    .filter(({ isExisting }) => isExisting)
    .map(typeOf);
  const makers = ofKind(template.main, 'module').filter((other) => {
    const made = moduleFile(template, template.main, other);
    return (
      made !== file &&
      made &&
      ofKind(made, 'resource').some((made1) => !made1.isExisting && types.includes(typeOf(made1)))
    );
  });
  const text = one.value?.text ?? '';
  const order = propertiesOf(one.value).get('dependsOn')?.text ?? '';
  // If several modules make resources of this type, it is enough to come after one of them: the others make other resources.
  const isAfter =
    makers.length === 0 ||
    makers.some(({ name }) => text.includes(`${name}.outputs.`) || new RegExp(`\\b${name}\\b`).test(order));
  const mustFollow = file.path.endsWith('/functionApp.bicep') ? ['roles', 'readers'] : [];
  return [
    ...(isAfter ? [] : [`it must depend on ${makers.map(({ name }) => name).join(' or ')}`]),
    ...mustFollow
      .filter((name) => !new RegExp(`\\b${name}\\b`).test(order))
      .map((name) => `the app must depend on ${name}, or its triggers start without rights`),
  ];
}

function checkSecureParams(
  { main }: Template,
  passed: ReadonlyMap<string, { readonly text: string }>,
  file: BicepFile,
): string[] {
  const isSecure = (of: BicepFile, name: string) => find(of, name)?.decorators.includes('@secure') === true;
  return [...passed]
    .filter(([name, { text }]) => isSecure(main, text) && !isSecure(file, name))
    .map(([name]) => `${name} gets a secret, and is no @secure() parameter`);
}

function checkParameterFiles({ main, texts }: Template): string[] {
  const params = ofKind(main, 'param');
  const forAzd = Object.keys(
    JSON.parse(texts.get('deploy/infra/main.parameters.json') ?? '{}').parameters ?? {},
  );
  const byHand = [...(texts.get('deploy/infra/byHand.bicepparam') ?? '').matchAll(/^param (\w+) =/gm)].map(
    ([, name = '']) => name,
  );
  const required = params.filter(({ value }) => !value).map(({ name }) => name);
  const unknown = [...forAzd, ...byHand].filter((name) => !params.some((one) => one.name === name));
  return [
    ...unknown.map((name) => `${name} is no parameter of main.bicep`),
    ...required.filter((name) => !byHand.includes(name)).map((name) => `byHand.bicepparam lacks ${name}`),
    // The warehouse is left out: azd asks for a parameter that has neither a value nor a default.
    ...required
      .filter((name) => name !== 'warehouse' && !forAzd.includes(name))
      .map((name) => `main.parameters.json lacks ${name}`),
    ...(required.includes('warehouse') && !forAzd.includes('warehouse')
      ? []
      : ['azd must ask where rows go']),
    ...checkChoices(params, texts),
  ];
}

/** Parameters that nobody needs to choose with azd. */
const fixed = ['principalName', 'schedulerAllowlist'];

/** azd passes a parameter that has a default only if the file names it, with a variable that has the same default. */
function checkChoices(params: readonly Declaration[], texts: Template['texts']): string[] {
  const { parameters = {} } = JSON.parse(texts.get('deploy/infra/main.parameters.json') ?? '{}');
  return params
    .filter(({ name, value }) => value !== undefined && !fixed.includes(name))
    .filter(({ name, value }) => {
      const [, standard = ''] = /^\$\{[A-Z_]+(?:=([^}]*))?\}$/.exec(parameters[name]?.value ?? '') ?? [
        '',
        '?',
      ];
      return standard !== (value && (literalOf(value) ?? value.text));
    })
    .map(({ name }) => `main.parameters.json must let azd choose ${name}, with the default of main.bicep`);
}

/** Resources that cost money even when idle, with the text of main.bicep because of which each is made only if it was chosen. */
const madeIfChosen: readonly (readonly [string, string])[] = [
  ['Azure SQL', "module sqlDatabase 'modules/sqlDatabase.bicep' = if (warehouse == 'azureSql') {"],
  ['the dedicated pool', "hasPool: warehouse == 'dedicatedPool'"],
  ['the namespace', "module eventHubs 'modules/eventHubs.bicep' = if (makesHubs) {"],
];

const checkMadeIfChosen = ({ main }: Template): string[] =>
  madeIfChosen
    .filter(([, text]) => !main.root.text.includes(text))
    .map(([what]) => `main.bicep: ${what} must be made only if it was chosen`);

/** These outputs are read by azd itself. */
const outputsForAzd = ['AZURE_LOCATION', 'AZURE_RESOURCE_GROUP'];

function checkHooks({ main, texts }: Template): string[] {
  const outputs = ofKind(main, 'output').map(({ name }) => name);
  return ['sh', 'ps1'].flatMap((ending) => {
    const text = texts.get(`deploy/hooks/postprovision.${ending}`) ?? '';
    const named = ending === 'sh' ? /\$\{?([A-Z][A-Z_]+)\b/g : /\$env:([A-Z_]+)\b/g;
    const read = new Set([...text.matchAll(named)].map(([, name = '']) => name));
    return [
      ...[...read]
        .filter((name) => !outputs.includes(name))
        .map((name) => `postprovision.${ending} reads ${name}, which is no output`),
      ...outputs
        .filter((name) => !read.has(name) && !outputsForAzd.includes(name))
        .map((name) => `postprovision.${ending} does not read ${name}`),
      ...outputsForAzd
        .filter((name) => !outputs.includes(name))
        .map((name) => `azd lacks the output ${name}`),
    ];
  });
}

/** azd finds its resources by tags: the environment's on the resource group, the service's on the app. */
function checkTags(template: Template): string[] {
  const services = Object.keys(parse(template.texts.get('azure.yaml') ?? '').services ?? {});
  const sites = [...template.files.values()].flatMap((file) =>
    ofKind(file, 'resource').filter((one) => typeOf(one) === 'Microsoft.Web/sites'),
  );
  const tags = propertiesOf(find(template.main, 'tags')?.value);
  const isTagged = (one: Declaration) =>
    services.some((name) =>
      propertiesOf(one.value).get('tags')?.text.includes(`'azd-service-name': '${name}'`),
    );
  const webTests = [...template.files.values()].flatMap((file) =>
    ofKind(file, 'resource').filter((one) => typeOf(one) === 'Microsoft.Insights/webtests'),
  );
  return [
    ...(tags.get('azd-env-name')?.text === 'environmentName'
      ? []
      : ['main.bicep: the tag azd-env-name must be the name of the environment']),
    ...sites
      .filter((one) => !isTagged(one))
      .map(({ name }) => `${name}: the tag azd-service-name must name a service of azure.yaml`),
    ...webTests
      .filter((one) => !propertiesOf(one.value).get('tags')?.text.includes(`'hidden-link:\${insightsId}'`))
      .map(({ name }) => `${name}: the tag hidden-link is missing, which ties it to Application Insights`),
    ...checkInstanceSizes(template),
    ...checkAllowlists(template),
  ];
}

/** Each size of an instance that can be chosen must have sizes of batches that fit it. */
function checkInstanceSizes(template: Template): string[] {
  const { main, files } = template;
  const smallest = settingsOfTemplate(template).settings.get(
    'AzureFunctionsJobHost__extensions__eventHubs__minEventBatchSize',
  );
  const allowed =
    find(main, 'instanceMemoryMB')
      ?.decorators.match(/@allowed\(\[([^\]]*)\]/)?.[1]
      ?.match(/\d+/g) ?? [];
  const app = files.get('deploy/infra/modules/functionApp.bicep');
  const batches = propertiesOf(app && find(app, 'batches')?.value);
  const wrong = [...batches].filter(([memory, batch]) => {
    const {
      most = 0,
      ahead = 0,
      bytesAhead = 0,
    } = Object.fromEntries([...propertiesOf(batch)].map(([name, value]) => [name, Number(literalOf(value))]));
    // A batch needs up to fourteen times the bytes of its bodies (npm run bench -- batchMemory), and four partitions may be read at once.
    // Together they may take a quarter of the memory.
    return !(
      most >= Number(smallest && literalOf(smallest)) &&
      ahead >= most &&
      bytesAhead > 0 &&
      bytesAhead * 14 * 4 <= (Number(memory) * 2 ** 20) / 4
    );
  });
  return [
    ...(allowed.join() === [...batches.keys()].join() && allowed.length > 0
      ? []
      : ['the sizes of batches are not those of instanceMemoryMB']),
    ...wrong.map(([memory]) => `the sizes of batches do not fit ${memory} MB`),
  ];
}

/** A scheduler with an empty allowlist lets nobody in. */
function checkAllowlists({ main }: Template): string[] {
  const list = find(main, 'schedulerAllowlist');
  return list?.value && /\[\s*'/.test(list.value.text) && list.decorators.includes('@minLength(1)')
    ? []
    : ['schedulerAllowlist must not be empty'];
}
