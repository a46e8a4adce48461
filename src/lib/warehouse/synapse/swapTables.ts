import { randomUUID } from 'node:crypto';
import type { TablePosition } from '../../delta/position';
import { parseLedgerRow } from '../ledgerPosition';
import { parseFilling } from '../shadow';
import { fullName, type Swap, type SwapOutcome } from '../warehouse';
import { beginRenames, readReplacing, standsAt } from './hold';
import type { Ledger } from './ledger';
import { retiredName } from './leftovers';
import { quoteName, quoteText } from './literals';
import { columnList, setPosition } from './loadStatements';
import { countTouched, type RunBatch, type SqlClient } from './sqlClient';
import { type Dialect, existsTable, ledgerTable, quoteTable, rejectsTable } from './tables';

/*
 * Replaces the rows of a table by those of its shadow. The ledger holds loads of the table meanwhile.
 *
 * | | what is done | what stays |
 * |---|---|---|
 * | SQL Server, Azure SQL | one transaction deletes the table's rows and inserts the shadow's | the table itself, with all that is on it |
 * | a dedicated pool | renames both tables, because a transaction is too small for the rows | what the shadow was made with, like the table |
 *
 * A pool renames no tables inside a transaction. So one connection holds the locks on the ledger's rows, and another one renames; only one
 * process can have the locks. Each step can be repeated, by this process or another one.
 */

export interface SwapContext {
  readonly client: SqlClient;
  readonly ledger: Ledger;
  readonly dialect: Dialect;
  readonly keepsMarks: boolean;
}

/** @param least the position that the shadow must have reached; missing to finish a replacement that was begun */
export async function swapTables(
  context: SwapContext,
  swap: Swap,
  least?: TablePosition,
): Promise<SwapOutcome> {
  const { client, ledger, dialect } = context;
  const found = await readReplacing(ledger, swap);
  if (found?.shadow !== fullName(swap.shadow)) return 'not-swapped';
  // Earlier releases renamed tables of every engine.
  const renames = dialect === 'pool' || found.stage !== 'held';
  const begun = renames ? await beginRenames(client, swap, found, least) : found.text;
  if (begun === undefined) return 'not-swapped';
  const change = renames
    ? async () => void (await client.batch(renameBoth(swap, dialect)))
    : async (run: RunBatch) => void (await run(copyRows(swap)));
  if (!(await changeAlone(context, { swap, begun, least }, change))) return 'not-swapped';
  const last = renames ? { ...swap.table, name: retiredName(swap.shadow) } : swap.shadow;
  await client.batch(`IF ${existsTable(fullName(last))} DROP TABLE ${quoteTable(last)};`);
  return 'swapped';
}

interface BegunSwap {
  readonly swap: Swap;
  /** The text of the table's row in the ledger meanwhile. */
  readonly begun: string;
  readonly least: TablePosition | undefined;
}

/**
 * Runs `change` while only this process has the ledger's rows of both tables. Afterwards it gives the table the shadow's position. Returns
 * false if the ledger does not say any more that the shadow takes the table's place, or if the shadow has not reached `least`.
 */
async function changeAlone(
  { client, keepsMarks }: SwapContext,
  { swap: { table, shadow }, begun, least }: BegunSwap,
  change: (run: RunBatch) => Promise<void>,
): Promise<boolean> {
  const [name, shadowName] = [quoteText(fullName(table)), quoteText(fullName(shadow))];
  const isBegun = `table_name = ${name} AND delta_id = ${quoteText(begun)}`;
  const lock = (condition: string) =>
    `UPDATE ${ledgerTable} SET batch_token = '${randomUUID()}' WHERE ${condition};`;
  const done = await client.transaction(async (run) => {
    if ((await countTouched(run, lock(isBegun))) === 0) return undefined;
    // This waits for a load of the shadow that has not ended.
    if ((await countTouched(run, lock(standsAt(shadow, least)))) === 0) return undefined;
    const to = await positionToReach(run, [name, shadowName], begun);
    if (!to) return undefined;
    await change(run);
    await run(
      [
        `UPDATE ${ledgerTable} SET ${setPosition(to, keepsMarks)} WHERE ${isBegun};`,
        `DELETE FROM ${ledgerTable} WHERE table_name = ${shadowName};`,
        `DELETE FROM ${rejectsTable} WHERE table_name = ${name};`,
        `UPDATE ${rejectsTable} SET table_name = ${name} WHERE table_name = ${shadowName};`,
      ].join('\n'),
    );
    return true;
  });
  return done === true;
}

/** The position of the shadow. If an earlier release began the replacement, the version and the mark are in the table's row. */
async function positionToReach(
  run: RunBatch,
  [name, shadowName]: readonly [string, string],
  begun: string,
): Promise<TablePosition | undefined> {
  const read = async (of: string) => {
    const { rows } = await run(`SELECT * FROM ${ledgerTable} WHERE table_name = ${of};`);
    const {
      delta_id: tableId,
      last_version: version,
      last_mark: mark,
      mark_version: markVersion,
    } = rows[0] ?? {};
    return parseLedgerRow({ tableId, version, mark, markVersion });
  };
  const shadow = await read(shadowName);
  if (parseFilling(shadow)) return undefined;
  return begun.startsWith('swap:') ? { ...(await read(name)), tableId: shadow.tableId } : shadow;
}

/**
 * The statements that replace the rows. A DELETE frees the pages of a heap only with a lock on the whole table. TRUNCATE TABLE would free
 * them too, but it makes every reader wait, restarts the numbers of rows, and is not possible with an indexed view.
 */
function copyRows({ table, shadow }: Swap): string {
  const columns = columnList(table);
  return `DELETE FROM ${quoteTable(table)} WITH (TABLOCK);
INSERT INTO ${quoteTable(table)} (${columns}) SELECT ${columns} FROM ${quoteTable(shadow)};`;
}

/**
 * The statements that rename both tables. They do nothing if no table has the shadow's name any more, because it has already been renamed.
 */
function renameBoth({ table, shadow }: Swap, dialect: Dialect): string {
  const rename = (from: { schema: string; name: string }, to: string) =>
    dialect === 'pool'
      ? `RENAME OBJECT ${quoteTable(from)} TO ${quoteName(to)};`
      : `EXEC sp_rename ${quoteText(quoteTable(from))}, ${quoteText(to)}, 'OBJECT';`;
  return `IF ${existsTable(fullName(shadow))} BEGIN
IF ${existsTable(fullName(table))} ${rename(table, retiredName(shadow))}
${rename(shadow, table.name)}
END;`;
}
