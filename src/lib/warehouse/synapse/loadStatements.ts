import type { TablePosition } from '../../delta/position';
import { nextTurn } from '../../nextTurn';
import type { WarehouseTable } from '../../streams/stream';
import { fullName, type Load, type RejectedRow } from '../warehouse';
import { countConstants, literal, quoteName, quoteText } from './literals';
import { ledgerTable, quoteTable, rejectsTable } from './tables';

/** Limits of a dedicated SQL pool: the rows of one INSERT (documented for UNION ALL), and the string constants of a batch. */
export const maxRowsOfStatement = 1000;
const maxStringsOfBatch = 19_000;
/** The most characters of a batch. The protocol allows 65,536 packets of 4 KB, but both sides hold the batch in memory. */
const maxCharactersOfBatch = 16_000_000;

/** One statement, with the numbers that count against the limits of a batch. */
interface Insert {
  readonly text: string;
  readonly strings: number;
}

/** The INSERTs for all rows and rejected rows of a load. Each is made when it is asked for. */
export function* insertStatements({ table, rows }: Load): Generator<Insert, void> {
  yield* insertRows(table, rows.columns, rows.count);
  yield* insertRejected(fullName(table), rows.rejected);
}

export const columnList = (table: WarehouseTable): string =>
  table.columns.map(({ name }) => quoteName(name)).join(', ');

function insertRows(table: WarehouseTable, columns: Load['rows']['columns'], count: number) {
  const into = `INSERT INTO ${quoteTable(table)} (${columnList(table)})`;
  return insertSelects(into, count, (row, typed) =>
    table.columns.map(({ type }, index) => literal(columns[index]?.[row] ?? null, type, typed)).join(', '),
  );
}

function insertRejected(name: string, rejected: readonly RejectedRow[]) {
  const into = `INSERT INTO ${rejectsTable} (table_name, hub_created_at, hub_partition, sequence_number, element, reason, row_json)`;
  return insertSelects(into, rejected.length, (row) => {
    const one = rejected[row] as RejectedRow;
    return [
      literal(name, 'varchar(255)', true),
      literal(one.hubCreatedAt, 'datetime2(6)', true),
      literal(one.partition, 'int', true),
      literal(one.sequenceNumber, 'bigint', true),
      literal(one.element, 'int', true),
      literal(one.reason.slice(0, 400), 'varchar(400)', true),
      `CAST(${quoteText(one.row, true)} AS nvarchar(max))`,
    ].join(', ');
  });
}

/**
 * Rows as statements that each fit into a batch; a single row may exceed the limits. The first row of each statement has casts to the
 * columns' types.
 */
function* insertSelects(
  into: string,
  count: number,
  write: (row: number, typed: boolean) => string,
): Generator<Insert, void> {
  let [selects, strings, characters] = [[] as string[], 0, 0];
  const asInsert = () => ({ text: `${into} ${selects.join(' UNION ALL ')};`, strings });
  for (let row = 0; row < count; row++) {
    let values = write(row, selects.length === 0);
    let constants = countConstants(values);
    const isFull =
      selects.length >= maxRowsOfStatement ||
      strings + constants > maxStringsOfBatch ||
      characters + values.length > maxCharactersOfBatch;
    if (selects.length > 0 && isFull) {
      yield asInsert();
      [selects, strings, characters] = [[], 0, 0];
      values = write(row, true);
      constants = countConstants(values);
    }
    selects.push(`SELECT ${values}`);
    strings += constants;
    characters += values.length;
  }
  if (selects.length > 0) yield asInsert();
}

/** Packs statements into as few batches as the limits allow. Other work goes on between two statements. */
export async function packBatches(...sources: readonly Iterable<Insert>[]): Promise<string[]> {
  const batches: string[] = [];
  let [texts, strings, characters] = [[] as string[], 0, 0];
  const flush = () => {
    if (texts.length > 0) batches.push(texts.join('\n'));
    [texts, strings, characters] = [[], 0, 0];
  };
  for (const inserts of sources) {
    for (const insert of inserts) {
      const fits =
        strings + insert.strings <= maxStringsOfBatch &&
        characters + insert.text.length <= maxCharactersOfBatch;
      if (!fits) flush();
      texts.push(insert.text);
      strings += insert.strings;
      characters += insert.text.length;
      await nextTurn();
    }
  }
  flush();
  return batches;
}

/** A change of a table's position in the ledger. */
export interface Move {
  /** The table's full name. */
  readonly name: string;
  readonly from: TablePosition;
  readonly to: TablePosition;
  readonly token: string;
  /** Whether the ledger has columns for marks; true if missing. */
  readonly keepsMarks?: boolean;
}

/**
 * The condition that the ledger's row of a table is at a position. A mark counts only if it is of this version: loaders of earlier releases
 * change the version and leave the mark as it is.
 */
function isAt(name: string, { tableId, version, mark }: TablePosition, keepsMarks: boolean): string {
  const at = `table_name = ${quoteText(name)} AND delta_id = ${quoteText(tableId)} AND last_version = ${version}`;
  if (!keepsMarks || mark === undefined) return at;
  return `${at} AND (last_mark IS NULL OR mark_version IS NULL OR mark_version <> last_version OR last_mark = ${quoteText(mark)})`;
}

/** The SET clause of the ledger for a position. A position without a mark clears an earlier mark. */
export function setPosition({ tableId, version, mark }: TablePosition, keepsMarks: boolean): string {
  const set = `delta_id = ${quoteText(tableId)}, last_version = ${version}`;
  if (!keepsMarks) return set;
  return mark === undefined
    ? `${set}, last_mark = NULL, mark_version = NULL`
    : `${set}, last_mark = ${quoteText(mark)}, mark_version = ${version}`;
}

/**
 * The fence of a load: a statement that moves the ledger's row from one position to the next, and waits while another load is doing so. It
 * is always the first statement of a load that touches a table, so loads wait for each other only here.
 */
export const moveLedger = ({ name, from, to, token, keepsMarks = true }: Move): string =>
  `UPDATE ${ledgerTable} SET ${setPosition(to, keepsMarks)}, batch_token = '${token}' WHERE ${isAt(name, from, keepsMarks)};`;

/** How many rows of the ledger have our token. It is 1 if the fence let us through, and more if the ledger has a table twice. */
const countOwn = (name: string, token: string): string =>
  `(SELECT COUNT(*) FROM ${ledgerTable} WHERE table_name = ${quoteText(name)} AND batch_token = '${token}')`;

export const selectOwn = (name: string, token: string): string =>
  `SELECT COUNT(*) AS won FROM ${ledgerTable} WHERE table_name = ${quoteText(name)} AND batch_token = '${token}';`;

export interface FencedLoad extends Move {
  /** Statements that belong to the transaction. */
  readonly body: string;
}

/** The whole load in one round trip. Its last row says whose token the ledger has. */
export const fencedLoad = (load: FencedLoad): string =>
  `BEGIN TRANSACTION;
${moveLedger(load)}
DECLARE @won int = ${countOwn(load.name, load.token)};
IF @won = 1 BEGIN
${load.body}
COMMIT;
END ELSE BEGIN ROLLBACK; END;
SELECT @won AS won;`;

/** Touches a row of the ledger if it is at a position or past it. Waits for a load that has not ended. */
export const touchIfReached = (name: string, { tableId, version }: TablePosition): string =>
  `UPDATE ${ledgerTable} SET last_version = last_version WHERE table_name = ${quoteText(name)} AND delta_id = ${quoteText(tableId)} AND last_version >= ${version};`;
