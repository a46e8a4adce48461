import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { streamFaults } from '../src/lib/lake/streamFaults';
import { loadStreams } from '../src/lib/streams/loadStreams';
import { appDir, sampleSettings } from './project';

/*
 * The event hubs on this machine. They follow from the streams, so a new stream has its hub without any further step.
 */

/** @throws Error that says everything that is wrong with the definitions of the streams, a line each */
export async function ensureSoundStreams(): Promise<void> {
  const faults = streamFaults(await loadStreams());
  if (faults.length > 0) throw new Error(faults.join('\n'));
}

/** The value of every stream's hub setting: the one in the sample settings, or else the stream's name. */
export async function hubSettings(): Promise<Record<string, string>> {
  const sample = sampleSettings();
  const streams = await loadStreams();
  return Object.fromEntries(streams.map(({ name, hubSetting }) => [hubSetting, sample[hubSetting] ?? name]));
}

interface Entity {
  readonly Name: string;
  readonly PartitionCount: number | string;
  readonly ConsumerGroups: readonly { readonly Name: string }[];
}

interface BrokerConfig {
  readonly UserConfig: {
    readonly NamespaceConfig: readonly { readonly Entities: readonly Entity[] }[];
  };
}

/** The broker's configuration: local/broker/config.json, with an additional hub for each stream that has none there. */
export async function brokerConfig(): Promise<BrokerConfig> {
  const { UserConfig }: BrokerConfig = JSON.parse(
    readFileSync(join(appDir, 'local/broker/config.json'), 'utf8'),
  );
  const group = sampleSettings().CONSUMER_GROUP ?? '';
  const hubs = Object.values(await hubSettings());
  const NamespaceConfig = UserConfig.NamespaceConfig.map((namespace) => ({
    ...namespace,
    Entities: [
      ...namespace.Entities,
      ...hubs
        .filter((hub) => namespace.Entities.every(({ Name }) => Name.toLowerCase() !== hub.toLowerCase()))
        .map((Name) => ({ Name, PartitionCount: 4, ConsumerGroups: [{ Name: group }] })),
    ],
  }));
  return { UserConfig: { ...UserConfig, NamespaceConfig } };
}
