import type { AmqpError } from 'rhea';

/** A reader of a partition in a consumer group. */
export interface Reader {
  name: string;
  /** The reader's owner level, if it has one. */
  epoch: number | undefined;
  disconnect(error: AmqpError): void;
}

const maxReaders = 5;

/**
 * Admits a reader to its group, or returns the error with which it is refused. These are the service's rules:
 *
 * | the new reader | then |
 * |---|---|
 * | has an owner level, and no other reader has a higher one | it replaces all other readers |
 * | has an owner level, and another reader has a higher one | it is refused |
 * | has no owner level, and another reader has one | it is refused |
 * | has no owner level, and there are five readers already | it is refused |
 */
export function admitReader(group: Set<Reader>, reader: Reader): AmqpError | undefined {
  const highest = Math.max(...[...group].map((other) => other.epoch ?? -1));
  if (reader.epoch === undefined) {
    if (highest >= 0) return refuse('amqp:link:stolen', describeNonEpoch(highest));
    if (group.size >= maxReaders) return refuse('amqp:resource-limit-exceeded', describeQuota(group));
  } else {
    if (highest > reader.epoch) return refuse('amqp:link:stolen', describeHigher(reader, highest));
    for (const other of [...group]) {
      group.delete(other);
      other.disconnect({ condition: 'amqp:link:stolen', description: describeStolen(other, reader.epoch) });
    }
  }
  group.add(reader);
  return undefined;
}

const refuse = (condition: string, description: string): AmqpError => ({ condition, description });

const describeNonEpoch = (highest: number): string =>
  `At least one receiver for the endpoint is created with epoch of '${highest}', and so non-epoch receiver is not allowed. ` +
  'Either reconnect with a higher epoch, or make sure all epoch receivers are closed or disconnected.';

const describeHigher = (reader: Reader, highest: number): string =>
  `Receiver '${reader.name}' with epoch '${reader.epoch}' cannot be created: a receiver with a higher epoch '${highest}' already exists.`;

const describeStolen = (other: Reader, epoch: number): string =>
  `New receiver with higher epoch of '${epoch}' is created hence current receiver '${other.name}' with epoch '${other.epoch ?? 'none'}' is getting disconnected. ` +
  'If you are recreating the receiver, make sure a higher epoch is used.';

const describeQuota = (group: Set<Reader>): string =>
  `Exceeded the maximum number of allowed receivers per partition in a consumer group which is ${maxReaders}. ` +
  `List of connected receivers - ${[...group].map((other) => other.name).join(', ')}.`;
