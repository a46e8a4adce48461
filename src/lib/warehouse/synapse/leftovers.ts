import type { WarehouseTable } from '../../streams/stream';
import { isShadowName } from '../shadow';
import { fullName } from '../warehouse';

/*
 * A pool creates, renames and drops tables outside transactions. So a killed process can leave tables that are not in the ledger.
 */

/** A table younger than this is left alone: another process may be working on it, and will soon enter it in the ledger or drop it. */
const minutesOfGrace = 60;

/** The name of a replaced table that waits to be dropped. */
export const retiredName = (shadow: Pick<WarehouseTable, 'name'>): string => `${shadow.name}${retiredSuffix}`;
const retiredSuffix = '_old';

export const stageSchema = 'ops';
/** The name of a table into which COPY puts rows before they are inserted. */
export const stageName = (id: string): string => `stage_${id.replaceAll('-', '')}`;

export const listTables =
  "SELECT SCHEMA_NAME(schema_id) AS schema_name, name, DATEDIFF(minute, create_date, GETDATE()) AS minutes FROM sys.objects WHERE type = 'U';";

/** The tables of `listTables` that are no longer needed. `known` are the names in the ledger. */
export function leftoversOf(
  table: WarehouseTable,
  rows: readonly Record<string, unknown>[],
  known: ReadonlySet<string>,
): { schema: string; name: string }[] {
  return rows.flatMap((row) => {
    const one = { schema: String(row.schema_name), name: String(row.name) };
    const isOurs = one.schema === table.schema && isShadowName(table, one.name);
    // A replaced table can be dropped at any age, because the replacement does not need it any more, even if it is repeated.
    if (isOurs && one.name.endsWith(retiredSuffix))
      return known.has(fullName({ ...one, name: one.name.slice(0, -retiredSuffix.length) })) ? [] : [one];
    const isStage = one.schema === stageSchema && /^stage_[0-9a-f]{32}$/.test(one.name);
    const isAlone = (isOurs && !known.has(fullName(one))) || isStage;
    return isAlone && Number(row.minutes) >= minutesOfGrace ? [one] : [];
  });
}
