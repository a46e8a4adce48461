import { expect, it } from 'vitest';
import { FunctionsCore } from '../../local/host/functionsCore';
import { loadApp } from '../../local/host/loadApp';
import { sampleSettings } from '../../local/project';
import { loadStreams } from '../../src/lib/streams/loadStreams';

/** The connections of the triggers that read event hubs, by the setting that names the hub. */
async function connections(): Promise<Record<string, unknown>> {
  const core = new FunctionsCore(() => {});
  await loadApp(process.cwd(), core, () => {});
  const bindings = [...core.functions.values()].flatMap(({ metadata }) => Object.values(metadata.bindings));
  return Object.fromEntries(
    bindings
      .filter(({ type }) => type === 'eventHubTrigger')
      .map(({ eventHubName, connection }) => [String(eventHubName), connection]),
  );
}

it('binds a trigger to the connection of its stream if one is set in any form, and otherwise to the shared one', async () => {
  const [first, ...others] = await loadStreams();
  Object.assign(process.env, sampleSettings(), {
    CLICKSTREAM_LISTEN__fullyQualifiedNamespace: 'contoso.servicebus.windows.net',
    // A connection to send is none to listen.
    ...(first && { [first.hubSetting.replace('_HUB', '_SEND')]: 'Endpoint=sb://contoso/' }),
  });
  const expected = [first, ...others].map((stream) => [
    `%${stream?.hubSetting}%`,
    stream?.hubSetting === 'CLICKSTREAM_HUB' ? 'CLICKSTREAM_LISTEN' : 'EventHubConnection',
  ]);
  expect(await connections()).toEqual(Object.fromEntries(expected));
});
