import type { AmqpError } from 'rhea';
import { type AmqpServer, listenAmqp } from './amqpServer';
import type { EmulatorConfig } from './config';
import { missingEntity } from './entityErrors';
import { Hub } from './hub';
import type { OpenLink } from './linkOpening';
import { policiesOf } from './sharedAccess';

export interface BrokerOptions {
  /** The TCP port; 0 takes a free one. */
  port: number;
  config: EmulatorConfig;
  /** The folder of the logs. Without it, all events stay in memory. */
  dataDir?: string;
  /**
   * The shared access policy with every right; by default RootManageSharedAccessKey with the key SAS_KEY_VALUE. The policies `listen`
   * and `send` have one right and the same key.
   */
  keyName?: string;
  key?: string;
}

export interface HubStats {
  /** Events accepted since the hub was created, over all runs. */
  accepted: number;
  /** Events sent to readers in this run, including redeliveries. */
  delivered: number;
  createdOn: Date;
  /** Sequence numbers of the oldest and the newest event of each partition. If it is empty, `last` is -1. */
  partitions: { begin: number; last: number }[];
}

export interface Broker {
  readonly port: number;
  /** A connection string for Event Hubs clients, with an EntityPath if a hub is given. By default its policy has every right. */
  connectionString(hub?: string, policy?: string): string;
  stats(): { hubs: Record<string, HubStats> };
  /** Deletes a hub and makes it again, empty and with a new creation time. Returns false if there is no such hub. */
  recreateHub(name: string): boolean;
  /** Expires a partition's events before a sequence number, as retention does. Returns false if there is no such partition. */
  truncate(hub: string, partitionId: string, before: number): boolean;
  /** Stops listening, closes all connections and then the logs. */
  close(): Promise<void>;
}

/**
 * Starts an Event Hubs broker: AMQP 1.0 over plain TCP, as the official emulator speaks it.
 *
 * @throws `PortInUseError`; an error of one line if something is wrong with the data directory
 */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const keyName = options.keyName ?? 'RootManageSharedAccessKey';
  const key = options.key ?? 'SAS_KEY_VALUE';
  const hubs = new Map<string, Hub>();
  const links = new Set<OpenLink>();
  const server = await listenAmqp({ policies: policiesOf(keyName, key), hubs, links }, options.port);
  await openHubs(hubs, options, server);
  const { port } = server;
  return {
    port,
    connectionString: (hub, policy = keyName) =>
      `Endpoint=sb://127.0.0.1:${port};SharedAccessKeyName=${policy};SharedAccessKey=${key};UseDevelopmentEmulator=true;${hub ? `EntityPath=${hub};` : ''}`,
    stats: () => ({ hubs: Object.fromEntries([...hubs.values()].map((hub) => [hub.name, statsOf(hub)])) }),
    recreateHub: (name) => {
      const hub = hubs.get(name.toLowerCase());
      if (hub) {
        closeLinks(links, (open) => open.hub === hub, missingEntity(hub.name));
        hub.recreate();
      }
      return hub !== undefined;
    },
    truncate: (name, partitionId, before) => {
      const hub = hubs.get(name.toLowerCase());
      const partition = hub?.partitionIndex(partitionId);
      if (partition !== undefined) hub?.truncate(partition, before);
      return partition !== undefined;
    },
    close: async () => {
      await server.close();
      for (const hub of hubs.values()) hub.close();
    },
  };
}

/** Opens the hubs after the port, so that a second broker fails at the port before it touches the first one's logs. */
async function openHubs(hubs: Map<string, Hub>, options: BrokerOptions, server: AmqpServer): Promise<void> {
  try {
    for (const config of options.config.hubs) {
      hubs.set(config.name.toLowerCase(), new Hub(config, options.dataDir));
    }
  } catch (error) {
    await server.close();
    for (const hub of hubs.values()) hub.close();
    throw error;
  }
}

function closeLinks(links: Set<OpenLink>, which: (open: OpenLink) => boolean, error: AmqpError): void {
  for (const open of links) {
    if (!which(open)) continue;
    open.release();
    links.delete(open);
    open.link.close(error);
  }
}

function statsOf(hub: Hub): HubStats {
  return {
    accepted: hub.accepted,
    delivered: hub.delivered,
    createdOn: hub.createdOn,
    partitions: hub.partitions.map((log) => ({ begin: log.begin, last: log.lastEnqueued.sequenceNumber })),
  };
}
