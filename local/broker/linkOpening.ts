import type { AmqpError, Receiver, Sender } from 'rhea';
import { parseAddress } from './address';
import { ConsumerLink } from './consumerLink';
import { badArgument, badPartition, missingEntity } from './entityErrors';
import type { Hub } from './hub';
import { serveProducer } from './producerLink';
import { admitReader } from './readerGroup';
import { parseStartPosition } from './startPosition';

const epochProperty = 'com.microsoft:epoch';
const runtimeMetric = 'com.microsoft:enable-receiver-runtime-metric';

/** An open link: its hub, and how to release it. */
export interface OpenLink {
  link: Sender | Receiver;
  hub: Hub;
  release(): void;
}

/** Opens a link on which a client sends to `hub` or `hub/Partitions/N`. Returns an error if it is refused. */
export function openProducer(receiver: Receiver, hubs: ReadonlyMap<string, Hub>): OpenLink | AmqpError {
  const address = receiver.target.address ?? '';
  const entity = parseAddress(address);
  const hub = entity && !entity.consumerGroup ? hubs.get(entity.hub) : undefined;
  if (!hub) return missingEntity(address);
  const partition = entity?.partitionId === undefined ? undefined : hub.partitionIndex(entity.partitionId);
  if (entity?.partitionId !== undefined && partition === undefined)
    return badPartition(hub, entity.partitionId);
  receiver.set_target({ address });
  receiver.set_source({ address: receiver.source?.address ?? '' });
  serveProducer(receiver, hub, partition);
  return { link: receiver, hub, release: () => undefined };
}

/** The position from which a client wants to read. */
interface Wanted {
  readonly hub: Hub;
  readonly partition: number;
  readonly consumerGroup: string;
  /** The first sequence number to send. */
  readonly sequenceNumber: number;
}

/** Opens a link on which a client reads from `hub/ConsumerGroups/G/Partitions/N`. Returns an error if it is refused. */
export function openConsumer(sender: Sender, hubs: ReadonlyMap<string, Hub>): OpenLink | AmqpError {
  const wanted = readWanted(sender, hubs);
  if (!('hub' in wanted)) return wanted;
  const { hub, partition, consumerGroup, sequenceNumber } = wanted;
  const readers = hub.readersOf(partition, consumerGroup);
  const reader = {
    name: sender.name,
    epoch: readEpoch(sender.properties?.[epochProperty]),
    disconnect: (error: AmqpError): void => {
      consumer.close();
      sender.close(error);
    },
  };
  const refusal = admitReader(readers, reader);
  if (refusal) return refusal;
  const { address, filter } = sender.source;
  sender.set_source({ address, ...(filter && { filter }) });
  sender.set_target({ address: sender.target?.address ?? '' });
  const trackLastEnqueued = asArray(sender.desired_capabilities).includes(runtimeMetric);
  const consumer = new ConsumerLink({ sender, hub, partition, sequenceNumber, trackLastEnqueued });
  const release = () => {
    consumer.close();
    readers.delete(reader);
  };
  return { link: sender, hub, release };
}

function readWanted({ source }: Sender, hubs: ReadonlyMap<string, Hub>): Wanted | AmqpError {
  const entity = parseAddress(source.address);
  const { consumerGroup } = entity ?? {};
  const hub = entity && consumerGroup ? hubs.get(entity.hub) : undefined;
  if (!hub || !consumerGroup || !hub.hasGroup(consumerGroup)) return missingEntity(source.address);
  const partition = hub.partitionIndex(entity?.partitionId ?? '');
  const log = partition === undefined ? undefined : hub.partitions[partition];
  if (partition === undefined || !log) return badPartition(hub, entity?.partitionId ?? '');
  const selector = readSelector(source.filter);
  const position = parseStartPosition(selector);
  if (!position) return badArgument(`The filter "${selector}" is not a position in a partition.`);
  const start = log.resolve(position);
  if ('problem' in start) return badArgument(start.problem);
  return { hub, partition, consumerGroup, sequenceNumber: start.sequenceNumber };
}

/** The text of the selector filter. It is a described string, under a name that the client chooses. */
function readSelector(filter: Record<string, unknown> | undefined): string | undefined {
  for (const value of Object.values(filter ?? {})) {
    const inner = typeof value === 'object' && value !== null && 'value' in value ? value.value : value;
    if (typeof inner === 'string') return inner;
  }
  return undefined;
}

/** The owner level. It is an AMQP long, and rhea returns large ones as eight bytes. */
function readEpoch(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  return Buffer.isBuffer(value) ? Number(value.readBigInt64BE()) : undefined;
}

function asArray(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value];
}
