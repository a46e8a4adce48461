import { type Field, field } from '../delta/schema';
import type { Column, Stream } from '../streams/stream';

/**
 * The columns that every table of a stream has besides the stream's own. They say where a row comes from:
 * (hub_created_at, hub_partition, sequence_number, element) is unique.
 */
const addressColumns: readonly Column[] = [
  /** When Event Hubs accepted the event. */
  { name: 'enqueued_at', type: 'timestamp', nullable: false },
  /** When the hub was made. A hub that was deleted and made again counts its events from 0 again. */
  { name: 'hub_created_at', type: 'timestamp', nullable: false },
  { name: 'hub_partition', type: 'integer', nullable: false },
  { name: 'sequence_number', type: 'long', nullable: false },
  /** The position of the element if the body is an array; otherwise 0. */
  { name: 'element', type: 'integer', nullable: false },
];

/** The schema of a stream's Delta table. */
export const tableFields = (stream: Stream): Field[] =>
  [...stream.columns, ...addressColumns].map(({ name, type, nullable }) => field(name, type, nullable));

/** The unique key of a row in its table, and of a dead letter among those of its stream. */
export const rowKeyColumns = ['hub_created_at', 'hub_partition', 'sequence_number', 'element'] as const;
