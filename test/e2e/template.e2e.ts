import { expect, it } from 'vitest';
import { elementsOf, literalOf, loadGrammar, type Node, propertiesOf } from '../infra/bicep';
import { settingsOfTemplate } from '../infra/checkSettings';
import { find, inMain, readTemplate, readTexts, type Template } from '../infra/template';
import { LocalStack } from '../kit/localStack';

/*
 * The settings that the template gives the app, on the project's own host: nothing else must be done until there is a number.
 */

/** Not for the local host: orchestrations in Durable Task Scheduler, the log in Application Insights, and places in Azure. */
const onlyInAzure =
  /^(DurableTaskScheduler|APPLICATIONINSIGHTS_.*|.*__durableTask__.*|\w+__(blobServiceUri|fullyQualifiedNamespace|credential|clientId))$/;

/** The value of a setting as it is with the defaults of the template's parameters, in hubs that it makes, without a warehouse. */
function settingValue(template: Template, name: string, node: Node): string {
  const { file } = settingsOfTemplate(template);
  const { main } = template;
  const ofMain = (declaration: string) => find(main, declaration)?.value;
  const size = literalOf(ofMain('instanceMemoryMB') as Node) ?? '';
  const batch = propertiesOf(propertiesOf(find(file, 'batches')?.value).get(size));
  const hub = (index: number) => literalOf(elementsOf(ofMain('hubs'))[index] as Node);
  const inner = /^string\((\w+)\)$/.exec(node.text)?.[1];
  const passed = inner
    ? inMain(template, file, find(file, inner) && nodeNamed(node, inner))
    : inMain(template, file, node);
  const values: Record<string, string | undefined> = {
    consumerGroup: literalOf(ofMain('consumerGroup') as Node),
    'hubs[0]': hub(0),
    'hubs[1]': hub(1),
    'lake.outputs.container': 'lake',
    'makesHubs ? clicksPerSecond : 0': literalOf(ofMain('clicksPerSecond') as Node),
  };
  const chosen = node.text.startsWith('batch.') ? batch.get(node.text.slice('batch.'.length)) : undefined;
  const withoutAnswer = /^empty\(\w+\) \? '(\w*)' :/.exec(node.text)?.[1];
  const value = literalOf(chosen ?? node) ?? values[passed] ?? withoutAnswer;
  if (value === undefined) throw new Error(`The test does not know the value of ${name}: ${node.text}`);
  return value;
}

/** The node of a name within an expression. */
const nodeNamed = (node: Node, name: string): Node | undefined =>
  node.descendantsOfType('identifier').find((one) => one?.text === name) ?? undefined;

it('clicks are counted without a further step', { timeout: 120_000 }, async () => {
  await loadGrammar();
  const template = readTemplate(readTexts());
  const { settings } = settingsOfTemplate(template);
  const taken = [...settings].filter(([name]) => !onlyInAzure.test(name));
  const stack = new LocalStack();
  await stack.start();
  try {
    const {
      FUNCTIONS_WORKER_RUNTIME = '',
      AzureWebJobsStorage = '',
      EventHubConnection = '',
      LakeStorage = '',
    } = stack.settings;
    stack.settings = {
      ...{ FUNCTIONS_WORKER_RUNTIME, AzureWebJobsStorage, EventHubConnection, LakeStorage },
      ...Object.fromEntries(taken.map(([name, node]) => [name, settingValue(template, name, node)])),
    };
    expect(stack.settings).toMatchObject({ CLICKS_PER_SECOND: '10', WAREHOUSE: 'none', COINCAP_API_KEY: '' });
    const { url } = await stack.startHost('template');
    const clicks = async () => ((await (await fetch(`${url}/api/clicks`)).json()) as { total: number }).total;
    await expect.poll(clicks, { timeout: 60_000 }).toBeGreaterThan(0);
  } finally {
    await stack.stop();
  }
});
