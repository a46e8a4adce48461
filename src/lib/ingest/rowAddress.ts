import { type Field, field, type Value } from '../delta/schema';
import type { Column, Row, Stream } from '../streams/stream';
import type { DecodedEvent } from './decodeEvents';

/**
 * The columns that every table of a stream has besides the stream's own: where a row comes from.
 * (hub_created_at, hub_partition, sequence_number, element) is unique.
 */
const addressColumns: readonly Column[] = [
  /** When Event Hubs accepted the event. */
  { name: 'enqueued_at', type: 'timestamp', nullable: false },
  /** When the hub was made: a hub that was deleted and made again counts its events from 0 again. */
  { name: 'hub_created_at', type: 'timestamp', nullable: false },
  { name: 'hub_partition', type: 'integer', nullable: false },
  { name: 'sequence_number', type: 'long', nullable: false },
  /** Position in a body that is an array, else 0. */
  { name: 'element', type: 'integer', nullable: false },
];

/** The schema of a stream's Delta table. */
export const tableFields = (stream: Stream): Field[] =>
  [...stream.columns, ...addressColumns].map(({ name, type, nullable }) => field(name, type, nullable));

/** The partition, in its generation, that rows come from. */
interface RowSource {
  /** Microseconds since 1970. */
  readonly hubCreatedAt: number;
  readonly partition: number;
}

/** Collects rows as columns of `tableFields`: the stream's own, then the address. */
export class RowColumns {
  readonly columns: readonly Value[][];
  readonly #own: readonly Value[][];
  readonly #enqueuedAt: Value[] = [];
  readonly #hubCreatedAt: Value[] = [];
  readonly #hubPartition: Value[] = [];
  readonly #sequenceNumber: Value[] = [];
  readonly #elements: Value[] = [];

  /** @param width number of the stream's own columns */
  constructor(width: number) {
    this.#own = Array.from({ length: width }, () => []);
    this.columns = [
      ...this.#own,
      this.#enqueuedAt,
      this.#hubCreatedAt,
      this.#hubPartition,
      this.#sequenceNumber,
      this.#elements,
    ];
  }

  get count(): number {
    return this.#elements.length;
  }

  /** All rows of an event. Times in microseconds since 1970. */
  pushEvent(hub: RowSource, event: DecodedEvent): void {
    const { rows, positions } = event;
    for (let row = 0; row < rows.length; row++) {
      this.push(hub, event, positions?.[row] ?? row, rows[row] as Row);
    }
  }

  push(hub: RowSource, event: DecodedEvent, element: number, values: Row): void {
    const own = this.#own;
    for (let column = 0; column < own.length; column++) own[column]?.push(values[column] ?? null);
    this.#enqueuedAt.push(event.enqueuedAt);
    this.#hubCreatedAt.push(hub.hubCreatedAt);
    this.#hubPartition.push(hub.partition);
    this.#sequenceNumber.push(event.sequenceNumber);
    this.#elements.push(element);
  }
}

/** A generation of a hub: the same name made again is another one. */
export interface HubGeneration {
  /** Fully qualified, like contoso.servicebus.windows.net. */
  readonly namespace: string;
  readonly hub: string;
  readonly createdOn: Date;
}

/** The txn appId under which the table remembers how far a partition was read. */
export const partitionAppId = ({ namespace, hub, createdOn }: HubGeneration, partitionId: string): string =>
  `${namespace}/${hub}@${createdOn.toISOString()}/${partitionId}`.toLowerCase();

/** The time and the partition that an appId of `partitionAppId` ends with; undefined for other applications' txns. */
export function parseAppId(appId: string): { hub: string; createdOn: Date; partition: number } | undefined {
  const [, hub, createdOn, partition] = /^(.+)@([^/@]+)\/(\d+)$/.exec(appId) ?? [];
  const createdMs = Date.parse((createdOn ?? '').toUpperCase());
  if (hub === undefined || Number.isNaN(createdMs)) return undefined;
  return { hub, createdOn: new Date(createdMs), partition: Number(partition) };
}

/** The generation that an appId tells of, if it is one of this hub. */
export function generationOfAppId(
  appId: string,
  { namespace, hub }: HubGeneration,
): HubGeneration | undefined {
  const parsed = parseAppId(appId);
  if (parsed?.hub !== `${namespace}/${hub}`.toLowerCase()) return undefined;
  return { namespace, hub, createdOn: parsed.createdOn };
}
