import type { TablePosition } from '../../delta/position';
import { quoteText } from './tables';

/*
 * What changes a row of the ledger, which says how far a table is loaded.
 */

/** Condition on a row of the ledger: a mark of its version is that of the position, where both are known. */
export const hasMark = ({ mark }: TablePosition): string =>
  mark === undefined
    ? ''
    : ` AND (last_mark IS NULL OR mark_version IS DISTINCT FROM last_version OR last_mark = ${quoteText(mark)})`;

/** The mark of a position and its version as SQL. */
const markValues = ({ version, mark }: TablePosition) =>
  mark === undefined ? (['NULL', 'NULL'] as const) : ([quoteText(mark), String(version)] as const);

export function setPosition(position: TablePosition): string {
  const [mark, markVersion] = markValues(position);
  return `delta_id = ${quoteText(position.tableId)}, last_version = ${position.version}, last_mark = ${mark}, mark_version = ${markVersion}`;
}

/** Says in the ledger whose rows a table has, and leaves their version and mark as they are. */
export const setTableId = (name: string, tableId: string): string =>
  `UPDATE ops.load_ledger SET delta_id = ${quoteText(tableId)} WHERE table_name = ${quoteText(name)}`;

/** Nothing where the ledger has the table. */
export const addToLedger = (name: string, position: TablePosition): string =>
  `INSERT INTO ops.load_ledger (table_name, delta_id, last_version, last_mark, mark_version) VALUES (${quoteText(name)}, ${quoteText(position.tableId)}, ${position.version}, ${markValues(position).join(', ')}) ON CONFLICT DO NOTHING`;
