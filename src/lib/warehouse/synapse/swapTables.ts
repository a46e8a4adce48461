import { randomUUID } from 'node:crypto';
import type { WarehouseTable } from '../../streams/stream';
import { fullName, type Swap, type SwapOutcome, shadowOfSwap, swapping } from '../warehouse';
import { retiredName } from './leftovers';
import { quoteName, quoteText } from './literals';
import { setPosition, touchIfReached } from './loadStatements';
import type { SqlClient } from './sqlClient';
import { type Dialect, existsTable, ledgerTable, quoteTable, rejectsTable } from './tables';

/** A swap as SQL: the rows of the ledger that it concerns. */
interface SwapStatements {
  /** The table's and the shadow's full names as literals. */
  readonly name: string;
  readonly shadowName: string;
  /** True for the table's row once the ledger says that this shadow replaces the table. */
  readonly isBegun: string;
  /** True while the ledger has the shadow's row, which goes at the end of the swap. */
  readonly shadowIsKnown: string;
  /** What an UPDATE sets to say that the swap is under way, and that it is done. */
  readonly setBegun: string;
  readonly setDone: string;
}

/**
 * Puts a shadow in a table's place. What the ledger tells of the shadow may not be committed, and that is waited for first.
 * Tables cannot be renamed inside a transaction of a dedicated pool, so: the ledger says that a swap is under way, which
 * turns all loads of the table away; then one connection holds the lock on the ledger's row, so that a single process
 * renames, while another connection renames; then the ledger says the new position. Each step can be done again, by this
 * process or by another one.
 */
export async function swapTables(
  client: SqlClient,
  swap: Swap,
  dialect: Dialect,
  keepsMarks: boolean,
): Promise<SwapOutcome> {
  const { shadow, files, to } = swap;
  const filled = { ...to, version: files };
  const { touched: reached } = await client.batch(touchIfReached(fullName(shadow), filled));
  if ((reached[0] ?? 0) === 0) return 'not-swapped';
  const statements = writeStatements(swap, keepsMarks);
  await beginSwap(client, shadow, statements);
  if (!(await renameAlone(client, statements, renames(swap, dialect)))) return 'not-swapped';
  const old = retired(swap);
  await client.batch(`IF ${existsTable(fullName(old))} DROP TABLE ${quoteTable(old)};`);
  return 'swapped';
}

function writeStatements({ table, shadow, to }: Swap, keepsMarks: boolean): SwapStatements {
  const name = quoteText(fullName(table));
  const shadowName = quoteText(fullName(shadow));
  const begun = swapping(shadow, to);
  return {
    name,
    shadowName,
    isBegun: `table_name = ${name} AND delta_id = ${quoteText(begun.tableId)}`,
    shadowIsKnown: `EXISTS (SELECT * FROM ${ledgerTable} WHERE table_name = ${shadowName})`,
    setBegun: setPosition(begun, keepsMarks),
    setDone: setPosition(to, keepsMarks),
  };
}

/** Has the ledger say that the swap is under way, if no other one is, or one whose shadow is gone, which would never end. */
async function beginSwap(
  client: SqlClient,
  shadow: WarehouseTable,
  { name, shadowIsKnown, setBegun }: SwapStatements,
): Promise<void> {
  const begin = (condition: string) =>
    client.batch(
      `UPDATE ${ledgerTable} SET ${setBegun}, batch_token = '${randomUUID()}' WHERE table_name = ${name} AND ${condition} AND ${shadowIsKnown};`,
    );
  const { touched } = await begin("delta_id NOT LIKE 'swap:%'");
  if ((touched[0] ?? 0) > 0) return;
  const { rows } = await client.batch(`SELECT delta_id FROM ${ledgerTable} WHERE table_name = ${name};`);
  const tableId = String(rows[0]?.delta_id ?? '');
  const other = shadowOfSwap({ tableId });
  if (other !== undefined && other !== fullName(shadow))
    await begin(
      `delta_id = ${quoteText(tableId)} AND NOT EXISTS (SELECT * FROM ${ledgerTable} WHERE table_name = ${quoteText(other)})`,
    );
}

/**
 * Renames on one connection while another one holds the lock on the ledger's row, and has the ledger say that the swap is done.
 * False where the ledger does not say that it was begun.
 */
async function renameAlone(
  client: SqlClient,
  { name, shadowName, isBegun, shadowIsKnown, setDone }: SwapStatements,
  rename: string,
): Promise<boolean> {
  const done = await client.transaction(async (run) => {
    const { touched } = await run(
      `UPDATE ${ledgerTable} SET batch_token = '${randomUUID()}' WHERE ${isBegun} AND ${shadowIsKnown};`,
    );
    if ((touched[0] ?? 0) === 0) return undefined;
    await client.batch(rename);
    await run(
      [
        `UPDATE ${ledgerTable} SET ${setDone} WHERE ${isBegun};`,
        `DELETE FROM ${ledgerTable} WHERE table_name = ${shadowName};`,
        `DELETE FROM ${rejectsTable} WHERE table_name = ${name};`,
        `UPDATE ${rejectsTable} SET table_name = ${name} WHERE table_name = ${shadowName};`,
      ].join('\n'),
    );
    return true;
  });
  return done === true;
}

/** The name under which the table that was replaced waits to be dropped. */
const retired = ({ table, shadow }: Swap) => ({ schema: table.schema, name: retiredName(shadow) });

/** Once the shadow is gone under its name, it has taken the table's place. */
function renames(swap: Swap, dialect: Dialect): string {
  const { table, shadow } = swap;
  const rename = (from: { schema: string; name: string }, to: string) =>
    dialect === 'pool'
      ? `RENAME OBJECT ${quoteTable(from)} TO ${quoteName(to)};`
      : `EXEC sp_rename ${quoteText(quoteTable(from))}, ${quoteText(to)};`;
  return `IF ${existsTable(fullName(shadow))} BEGIN
IF ${existsTable(fullName(table))} ${rename(table, retired(swap).name)}
${rename(shadow, table.name)}
END;`;
}
