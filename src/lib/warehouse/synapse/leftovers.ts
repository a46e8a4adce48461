import type { WarehouseTable } from '../../streams/stream';
import { fullName, shadowPrefix } from '../warehouse';

/*
 * A pool makes, renames and drops tables outside transactions, so a process that is killed can leave some that no ledger row
 * tells of.
 */

/** A table younger than this may be one that another process is just working on: it has a ledger row next, or is dropped. */
const minutesOfGrace = 60;

/** The name under which a table that a shadow replaced waits to be dropped. */
export const retiredName = (shadow: Pick<WarehouseTable, 'name'>): string => `${shadow.name}${retiredSuffix}`;
const retiredSuffix = '_old';

export const stageSchema = 'ops';
/** Where COPY puts rows on their way in. */
export const stageName = (id: string): string => `stage_${id.replaceAll('-', '')}`;

export const listTables =
  "SELECT SCHEMA_NAME(schema_id) AS schema_name, name, DATEDIFF(minute, create_date, GETDATE()) AS minutes FROM sys.objects WHERE type = 'U';";

/** Of the rows of `listTables` those that nobody needs any more. `known`: the names in the ledger. */
export function leftoversOf(
  table: WarehouseTable,
  rows: readonly Record<string, unknown>[],
  known: ReadonlySet<string>,
): { schema: string; name: string }[] {
  return rows.flatMap((row) => {
    const one = { schema: String(row.schema_name), name: String(row.name) };
    const isOurs = one.schema === table.schema && one.name.startsWith(shadowPrefix(table));
    // No redo of a swap needs the table that it replaced, which is as old as it was before.
    if (isOurs && one.name.endsWith(retiredSuffix))
      return known.has(fullName({ ...one, name: one.name.slice(0, -retiredSuffix.length) })) ? [] : [one];
    const isStage = one.schema === stageSchema && /^stage_[0-9a-f]{32}$/.test(one.name);
    const isAlone = (isOurs && !known.has(fullName(one))) || isStage;
    return isAlone && Number(row.minutes) >= minutesOfGrace ? [one] : [];
  });
}
