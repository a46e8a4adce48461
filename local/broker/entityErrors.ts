import type { AmqpError } from 'rhea';
import type { Hub } from './hub';

/** The text of `amqp:not-found`. Clients look for these words. */
export function describeMissing(entity: string): string {
  return `The messaging entity '${entity}' could not be found.`;
}

/** The text of `com.microsoft:argument-out-of-range` for a partition id. */
export function describePartitions(hub: Hub, partitionId: string): string {
  return (
    `The specified partition '${partitionId}' is invalid for an EventHub partition sender or receiver. ` +
    `It should be between 0 and ${hub.partitionCount - 1}.`
  );
}

export const missingEntity = (entity: string): AmqpError => ({
  condition: 'amqp:not-found',
  description: describeMissing(entity),
});

export const badPartition = (hub: Hub, partitionId: string): AmqpError => ({
  condition: 'com.microsoft:argument-out-of-range',
  description: describePartitions(hub, partitionId),
});

export const unauthorized = (entity: string): AmqpError => ({
  condition: 'amqp:unauthorized-access',
  description: `Unauthorized access to '${entity}': no token that allows this was accepted on this connection.`,
});

export const badArgument = (description: string): AmqpError => ({
  condition: 'com.microsoft:argument-error',
  description,
});
