import { randomUUID } from 'node:crypto';
import type { WarehouseTable } from '../../streams/stream';
import { fullName, type Swap, type SwapOutcome, shadowOfSwap, swapping } from '../warehouse';
import { retiredName } from './leftovers';
import { quoteName, quoteText } from './literals';
import { setPosition, touchIfReached } from './loadStatements';
import { countTouched, type SqlClient } from './sqlClient';
import { type Dialect, existsTable, ledgerTable, quoteTable, rejectsTable } from './tables';

/** The SQL of a swap: conditions and changes of the ledger's rows. */
interface SwapStatements {
  /** The table's and the shadow's full names as literals. */
  readonly name: string;
  readonly shadowName: string;
  /** True for the table's row once the ledger says that this shadow replaces the table. */
  readonly isBegun: string;
  /** True while the ledger has the shadow's row, which goes at the end of the swap. */
  readonly shadowIsKnown: string;
  /** The SET clauses that say that the swap is under way, and that it is done. */
  readonly setBegun: string;
  readonly setDone: string;
}

/**
 * Replaces a table by its shadow. A dedicated pool cannot rename tables inside a transaction, so the swap has these steps, each of
 * which can be repeated by this process or another one:
 *
 * 1. Wait until the shadow's row in the ledger is committed.
 * 2. Mark in the ledger that the swap is under way, which refuses all loads of the table.
 * 3. One connection holds the lock on the ledger's row, so that only one process renames, while another connection renames.
 * 4. Write the new position into the ledger.
 */
export async function swapTables(
  client: SqlClient,
  swap: Swap,
  dialect: Dialect,
  keepsMarks: boolean,
): Promise<SwapOutcome> {
  const { shadow, files, to } = swap;
  const filled = { ...to, version: files };
  if ((await countTouched(client.batch, touchIfReached(fullName(shadow), filled))) === 0)
    return 'not-swapped';
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

/** Marks the swap as under way in the ledger, unless another swap is. A swap whose shadow is gone does not count: it never ends. */
async function beginSwap(
  client: SqlClient,
  shadow: WarehouseTable,
  { name, shadowIsKnown, setBegun }: SwapStatements,
): Promise<void> {
  const begin = (condition: string) =>
    countTouched(
      client.batch,
      `UPDATE ${ledgerTable} SET ${setBegun}, batch_token = '${randomUUID()}' WHERE table_name = ${name} AND ${condition} AND ${shadowIsKnown};`,
    );
  if ((await begin("delta_id NOT LIKE 'swap:%'")) > 0) return;
  const { rows } = await client.batch(`SELECT delta_id FROM ${ledgerTable} WHERE table_name = ${name};`);
  const tableId = String(rows[0]?.delta_id ?? '');
  const other = shadowOfSwap({ tableId });
  if (other !== undefined && other !== fullName(shadow))
    await begin(
      `delta_id = ${quoteText(tableId)} AND NOT EXISTS (SELECT * FROM ${ledgerTable} WHERE table_name = ${quoteText(other)})`,
    );
}

/**
 * Renames on one connection while another one holds the lock on the ledger's row, and then marks the swap as done in the ledger.
 * Returns false if the ledger does not say that the swap is under way.
 */
async function renameAlone(
  client: SqlClient,
  { name, shadowName, isBegun, shadowIsKnown, setDone }: SwapStatements,
  rename: string,
): Promise<boolean> {
  const done = await client.transaction(async (run) => {
    const touched = await countTouched(
      run,
      `UPDATE ${ledgerTable} SET batch_token = '${randomUUID()}' WHERE ${isBegun} AND ${shadowIsKnown};`,
    );
    if (touched === 0) return undefined;
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

/** The name of the replaced table until it is dropped. */
const retired = ({ table, shadow }: Swap) => ({ schema: table.schema, name: retiredName(shadow) });

/** If no table has the shadow's name any more, the shadow has already been renamed to the table. */
function renames(swap: Swap, dialect: Dialect): string {
  const { table, shadow } = swap;
  const rename = (from: { schema: string; name: string }, to: string) =>
    dialect === 'pool'
      ? `RENAME OBJECT ${quoteTable(from)} TO ${quoteName(to)};`
      : `EXEC sp_rename ${quoteText(quoteTable(from))}, ${quoteText(to)}, 'OBJECT';`;
  return `IF ${existsTable(fullName(shadow))} BEGIN
IF ${existsTable(fullName(table))} ${rename(table, retired(swap).name)}
${rename(shadow, table.name)}
END;`;
}
