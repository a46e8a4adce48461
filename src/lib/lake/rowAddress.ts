import { type Field, field } from '../delta/schema';
import type { Column, Stream } from '../streams/stream';

/** The column with the time at which Event Hubs accepted the event of a row or of a dead letter. */
export const enqueuedAtColumn = 'enqueued_at';

/**
 * The columns of every stream's table that say where a row comes from:
 * (hub_created_at, hub_partition, sequence_number, element) is unique.
 */
const addressColumns: readonly Column[] = [
  { name: enqueuedAtColumn, type: 'timestamp', nullable: false },
  /** When the hub was made. A hub that was deleted and made again counts its events from 0 again. */
  { name: 'hub_created_at', type: 'timestamp', nullable: false },
  { name: 'hub_partition', type: 'integer', nullable: false },
  { name: 'sequence_number', type: 'long', nullable: false },
  /** The position of the element if the body is an array; otherwise 0. */
  { name: 'element', type: 'integer', nullable: false },
];

/**
 * The column for the fields of a row's element that have no column of their own, as the text of a JSON object; null if there are none.
 * Databricks uses the same name. The column is the last one here. If a stream gains columns, they come after it in the table, which does no
 * harm, because columns are found by name.
 */
export const rescuedColumn: Column = { name: '_rescued_data', type: 'string', nullable: true };

/** A stream's columns as fields of a Delta table. */
export const fieldsOf = (columns: readonly Column[]): Field[] =>
  columns.map(({ name, type, nullable }) => field(name, type, nullable));

/** The schema of a stream's Delta table: the stream's own columns, the row's address, and the column of the rescued fields. */
export const tableFields = (stream: Stream): Field[] =>
  fieldsOf([...stream.columns, ...addressColumns, rescuedColumn]);

/** The columns that together are the unique key of a row in its table, and of a dead letter among those of its stream. */
export const rowKeyColumns = ['hub_created_at', 'hub_partition', 'sequence_number', 'element'] as const;
