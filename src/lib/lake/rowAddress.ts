import { type Field, field } from '../delta/schema';
import type { Column, Stream } from '../streams/stream';

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

/** What tells a row from every other row of its table, and a dead letter from every other one of its stream. */
export const rowKeyColumns = ['hub_created_at', 'hub_partition', 'sequence_number', 'element'] as const;
