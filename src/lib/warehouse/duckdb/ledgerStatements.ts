import { beginning, type TablePosition } from '../../delta/position';
import { quoteText } from './tables';

/*
 * Statements that change a row of the ledger. The ledger records how far each table is loaded.
 */

/** The condition that a row of the ledger has the mark of a position. It is also met if one of the two marks is not known. */
export const hasMark = ({ mark }: TablePosition): string =>
  mark === undefined
    ? ''
    : ` AND (last_mark IS NULL OR mark_version IS DISTINCT FROM last_version OR last_mark = ${quoteText(mark)})`;

/** The mark of a position and its version, as SQL values. */
const markValues = ({ version, mark }: TablePosition) =>
  mark === undefined ? (['NULL', 'NULL'] as const) : ([quoteText(mark), String(version)] as const);

export function setPosition(position: TablePosition): string {
  const [mark, markVersion] = markValues(position);
  return `delta_id = ${quoteText(position.tableId)}, last_version = ${position.version}, last_mark = ${mark}, mark_version = ${markVersion}`;
}

/** Sets the id of the Delta table whose rows a table has, and leaves the version and the mark as they are. */
export const setTableId = (name: string, tableId: string): string =>
  `UPDATE ops.load_ledger SET delta_id = ${quoteText(tableId)} WHERE table_name = ${quoteText(name)}`;

/** Adds a table to the ledger. It does nothing if the ledger has the table. */
export const addToLedger = (name: string, position: TablePosition): string =>
  `INSERT INTO ops.load_ledger (table_name, delta_id, last_version, last_mark, mark_version) VALUES (${quoteText(name)}, ${quoteText(position.tableId)}, ${position.version}, ${markValues(position).join(', ')}) ON CONFLICT DO NOTHING`;

/**
 * Sets a table that somebody dropped back to the beginning: once it is made again, it has no rows, so all have to be loaded. A row of the
 * ledger with a colon in its `delta_id` stays as it is, because a shadow is taking the table's place.
 */
export const forgetDropped = (name: string): readonly string[] => [
  `UPDATE ops.load_ledger SET ${setPosition(beginning)} WHERE table_name = ${quoteText(name)} AND delta_id NOT LIKE '%:%'`,
  `DELETE FROM ops.rejected_rows WHERE table_name = ${quoteText(name)}`,
];
