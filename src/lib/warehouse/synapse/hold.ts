import { randomUUID } from 'node:crypto';
import type { TablePosition } from '../../delta/position';
import type { WarehouseTable } from '../../streams/stream';
import { ownPosition, parseReplacing, type Replacing, replacingPrefix, replacingPrefixes } from '../shadow';
import { fullName, type Swap } from '../warehouse';
import type { Ledger } from './ledger';
import { quoteText } from './literals';
import { countTouched, type SqlClient } from './sqlClient';
import { ledgerTable } from './tables';

/*
 * Changes the ledger's row of a table whose place a shadow takes. Each change is one statement, which matches only the row that was read
 * before. So any number of processes may make it at once.
 */

const isFree = `NOT (${replacingPrefixes.map((prefix) => `delta_id LIKE '${prefix}%'`).join(' OR ')})`;

const knows = (name: string) => `EXISTS (SELECT * FROM ${ledgerTable} WHERE table_name = ${quoteText(name)})`;

/** The condition that a shadow follows the log. */
const isFilled = (name: string) =>
  `EXISTS (SELECT * FROM ${ledgerTable} WHERE table_name = ${quoteText(name)} AND delta_id NOT LIKE 'fill:%')`;

const setTableId = (name: string, tableId: string, condition: string) =>
  `UPDATE ${ledgerTable} SET delta_id = ${tableId}, batch_token = '${randomUUID()}' WHERE table_name = ${quoteText(name)} AND ${condition};`;

/** The part of a table's row in the ledger that is about a shadow. */
interface ReplacingRow extends Replacing {
  /** The whole text of `delta_id`. */
  readonly text: string;
}

/** Reads the row of a table; undefined if no shadow is taking its place. */
export async function readReplacing(
  ledger: Ledger,
  { table }: Pick<Swap, 'table'>,
): Promise<ReplacingRow | undefined> {
  const position = (await ledger.read()).get(fullName(table));
  const replacing = position && parseReplacing(position);
  return replacing && { ...replacing, text: position.tableId };
}

/** Makes the ledger refuse all loads of the table. Waits for a running load, which has the lock on the row. */
export async function holdLoads(client: SqlClient, ledger: Ledger, swap: Swap): Promise<boolean> {
  const [name, shadow] = [fullName(swap.table), fullName(swap.shadow)];
  const prefix = replacingPrefix('held', swap.shadow);
  const held = setTableId(name, `${quoteText(prefix)} + delta_id`, `${isFree} AND ${isFilled(shadow)}`);
  if ((await countTouched(client.batch, held)) > 0) return true;
  const found = await readReplacing(ledger, swap);
  if (found?.shadow === shadow) return true;
  if (!found) return false;
  // If the ledger does not have the shadow, it must not take the table's place.
  const { tableId } = ownPosition({ tableId: found.text, version: 0, mark: undefined });
  const instead = setTableId(
    name,
    quoteText(`${prefix}${tableId}`),
    `delta_id = ${quoteText(found.text)} AND NOT ${knows(found.shadow)} AND ${isFilled(shadow)}`,
  );
  return (await countTouched(client.batch, instead)) > 0;
}

/** Lets loads of the table go on, if this shadow holds them and the ledger does not say that it is complete. */
export async function releaseLoads(client: SqlClient, ledger: Ledger, swap: Swap): Promise<void> {
  const found = await readReplacing(ledger, swap);
  if (found?.stage !== 'held' || found.shadow !== fullName(swap.shadow)) return;
  const free = setTableId(
    fullName(swap.table),
    quoteText(found.tableId),
    `delta_id = ${quoteText(found.text)}`,
  );
  await client.batch(free);
}

/**
 * The condition that the ledger's row of a shadow has reached a position. It is for an UPDATE, which waits for a process that is changing
 * the row; a SELECT would see changes that may be undone.
 */
export function standsAt(shadow: WarehouseTable, least: TablePosition | undefined): string {
  const isShadow = `table_name = ${quoteText(fullName(shadow))}`;
  if (!least) return isShadow;
  return `${isShadow} AND delta_id = ${quoteText(least.tableId)} AND last_version >= ${least.version}`;
}

/**
 * Writes into the ledger that the shadow is complete, so that tables may be renamed. Returns the new text of the table's row. Undefined if
 * the row is not as it was `found` any more, or if the shadow has not reached this position.
 */
export async function beginRenames(
  client: SqlClient,
  { table, shadow }: Swap,
  found: ReplacingRow,
  least: TablePosition | undefined,
): Promise<string | undefined> {
  if (found.stage !== 'held') return found.text;
  const text = `${replacingPrefix('renaming', shadow)}${found.tableId}`;
  const renaming = setTableId(
    fullName(table),
    quoteText(text),
    `delta_id = ${quoteText(found.text)} AND ${isFilled(found.shadow)}`,
  );
  const shadowStands = `UPDATE ${ledgerTable} SET batch_token = '${randomUUID()}' WHERE ${standsAt(shadow, least)};`;
  return client.transaction(async (run) => {
    if ((await countTouched(run, renaming)) === 0) return undefined;
    return (await countTouched(run, shadowStands)) > 0 ? text : undefined;
  });
}
