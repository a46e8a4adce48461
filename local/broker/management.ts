import rhea from 'rhea';
import { describeMissing, describePartitions } from './entityErrors';
import type { Hub } from './hub';
import type { Reply, Request } from './requestReply';

const { types } = rhea;
const stringArray = 0xa1;

/**
 * Answers a READ on `$management`: the properties of a hub (`com.microsoft:eventhub`) or of a partition
 * (`com.microsoft:partition`). The AMQP types of the values are explicit, because clients in other languages cast them strictly.
 *
 * @param findHub Finds the hub by its name in the request. Returns a string with the reason if the connection may not ask.
 */
export function answerManagement(
  request: Request,
  findHub: (name: string) => Hub | undefined | { refused: string },
): Reply {
  const type = request.properties.get('type');
  const name = request.properties.get('name') ?? '';
  if (request.operation !== 'READ' || (type !== readHub && type !== readPartition)) {
    return {
      status: 400,
      description: `$management reads ${readHub} and ${readPartition}, not '${type}'`,
      condition: 'amqp:not-implemented',
    };
  }
  const hub = findHub(name);
  if (hub === undefined) {
    return { status: 404, description: describeMissing(name), condition: 'amqp:not-found' };
  }
  if ('refused' in hub) {
    return { status: 401, description: hub.refused, condition: 'amqp:unauthorized-access' };
  }
  if (type === readHub) return { status: 200, description: 'OK', body: describeHub(hub) };
  const partitionId = request.properties.get('partition') ?? '';
  const partition = hub.partitionIndex(partitionId);
  if (partition === undefined) {
    return {
      status: 400,
      description: describePartitions(hub, partitionId),
      condition: 'com.microsoft:argument-out-of-range',
    };
  }
  return { status: 200, description: 'OK', body: describePartition(hub, partition) };
}

const readHub = 'com.microsoft:eventhub';
const readPartition = 'com.microsoft:partition';

function describeHub(hub: Hub): Record<string, unknown> {
  const ids = Array.from({ length: hub.partitionCount }, (_, index) => String(index));
  return {
    name: hub.name,
    type: readHub,
    created_at: types.wrap_timestamp(hub.createdOn.getTime()),
    partition_count: types.wrap_int(hub.partitionCount),
    partition_ids: types.wrap_array(ids, stringArray, undefined),
    georeplication_factor: types.wrap_int(1),
  };
}

function describePartition(hub: Hub, partition: number): Record<string, unknown> {
  const log = hub.partitions[partition];
  const last = log?.lastEnqueued ?? { sequenceNumber: -1, offset: -1, time: 0 };
  return {
    name: hub.name,
    type: readPartition,
    partition: String(partition),
    begin_sequence_number: types.wrap_long(log?.begin ?? 0),
    last_enqueued_sequence_number: types.wrap_long(last.sequenceNumber),
    last_enqueued_offset: String(last.offset),
    last_enqueued_time_utc: types.wrap_timestamp(last.time),
    is_partition_empty: (log?.begin ?? 0) > last.sequenceNumber,
  };
}
