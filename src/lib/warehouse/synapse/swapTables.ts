import { randomUUID } from 'node:crypto';
import { fullName, type Swap, shadowOfSwap, swapping } from '../warehouse';
import { retiredName } from './leftovers';
import { quoteName, quoteText } from './literals';
import { setPosition, touchIfReached } from './loadStatements';
import type { SqlClient } from './sqlClient';
import { type Dialect, existsTable, ledgerTable, quoteTable, rejectsTable } from './tables';

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
): Promise<'swapped' | 'lost'> {
  const { table, shadow, files, to } = swap;
  const filled = { deltaId: to.deltaId, version: files };
  const { touched: reached } = await client.batch(touchIfReached(fullName(shadow), filled));
  if ((reached[0] ?? 0) === 0) return 'lost';
  const name = quoteText(fullName(table));
  const shadowName = quoteText(fullName(shadow));
  const begun = swapping(shadow, to);
  const isBegun = `table_name = ${name} AND delta_id = ${quoteText(begun.deltaId)}`;
  const shadowIsKnown = `EXISTS (SELECT * FROM ${ledgerTable} WHERE table_name = ${shadowName})`;
  const begin = (condition: string) =>
    client.batch(
      `UPDATE ${ledgerTable} SET ${setPosition(begun, keepsMarks)}, batch_token = '${randomUUID()}' WHERE table_name = ${name} AND ${condition} AND ${shadowIsKnown};`,
    );
  const { touched: began } = await begin("delta_id NOT LIKE 'swap:%'");
  if ((began[0] ?? 0) === 0) {
    // A swap whose shadow is gone would never end.
    const { rows } = await client.batch(`SELECT delta_id FROM ${ledgerTable} WHERE table_name = ${name};`);
    const deltaId = String(rows[0]?.delta_id ?? '');
    const other = shadowOfSwap({ deltaId, version: 0 });
    if (other !== undefined && other !== fullName(shadow))
      await begin(
        `delta_id = ${quoteText(deltaId)} AND NOT EXISTS (SELECT * FROM ${ledgerTable} WHERE table_name = ${quoteText(other)})`,
      );
  }
  const token = randomUUID();
  const swapped = await client.transaction(async (run) => {
    const { touched } = await run(
      `UPDATE ${ledgerTable} SET batch_token = '${token}' WHERE ${isBegun} AND ${shadowIsKnown};`,
    );
    if ((touched[0] ?? 0) === 0) return undefined;
    await client.batch(renames(swap, dialect));
    await run(
      [
        `UPDATE ${ledgerTable} SET ${setPosition(to, keepsMarks)} WHERE ${isBegun};`,
        `DELETE FROM ${ledgerTable} WHERE table_name = ${shadowName};`,
        `DELETE FROM ${rejectsTable} WHERE table_name = ${name};`,
        `UPDATE ${rejectsTable} SET table_name = ${name} WHERE table_name = ${shadowName};`,
      ].join('\n'),
    );
    return 'swapped' as const;
  });
  if (!swapped) return 'lost';
  const old = retired(swap);
  await client.batch(`IF ${existsTable(fullName(old))} DROP TABLE ${quoteTable(old)};`);
  return swapped;
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
