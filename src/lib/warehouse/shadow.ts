import { randomBytes } from 'node:crypto';
import type { TablePosition } from '../delta/position';
import type { WarehouseTable } from '../streams/stream';
import { fullName } from './warehouse';

/*
 * A shadow is a table that a rebuild fills, and that then takes the place of another one. It has a row of its own in the ledger:
 *
 * | the shadow | delta_id | last_version |
 * |---|---|---|
 * | is being filled with the files of one version, which is part of its name | `fill:<table id>` | how many of these files it has |
 * | follows the log, like any table | the table id | the version that it holds |
 *
 * While it takes the table's place, the `delta_id` in the table's own row begins with one of these words. Its version and mark stay as they
 * were.
 *
 * | delta_id | meaning |
 * |---|---|
 * | `replace:<shadow>|<table id>` | loads of the table are refused; the shadow still follows the log |
 * | `rename:<shadow>|<table id>` | the shadow is complete, and a dedicated pool renames the two |
 * | `swap:<shadow>` | the same, by an earlier release; the version and the mark are those to be reached |
 */

const prefixOf = { held: 'replace:', renaming: 'rename:' } as const;
const earlierSwap = 'swap:';
const filling = 'fill:';

/** The beginning of the names of a table's shadows. */
export const shadowPrefix = ({ name }: Pick<WarehouseTable, 'name'>): string => `${name}__reload_`;

/**
 * The beginning of the names of shadows that earlier releases made. Their numbers in the ledger mean something else, so they are dropped.
 */
const earlierShadowPrefix = ({ name }: Pick<WarehouseTable, 'name'>): string => `${name}__rebuild_`;

export const isShadowName = (table: Pick<WarehouseTable, 'name'>, name: string): boolean =>
  [shadowPrefix(table), earlierShadowPrefix(table)].some((prefix) => name.startsWith(prefix));

/** A new shadow of a table, to be filled with the files of this version. */
export const newShadow = (table: WarehouseTable, version: number): WarehouseTable => ({
  ...table,
  name: `${shadowPrefix(table)}${version}_${randomBytes(4).toString('hex')}`,
});

/** The version with whose files a shadow is filled; undefined if this is not the name of a shadow of the table. */
export function filledVersion(table: Pick<WarehouseTable, 'name'>, name: string): number | undefined {
  const prefix = shadowPrefix(table);
  const digits = name.startsWith(prefix) ? /^(\d+)_/.exec(name.slice(prefix.length))?.[1] : undefined;
  return digits === undefined ? undefined : Number(digits);
}

/** The ledger's position of a shadow that has this many files of a version. */
export const fillingPosition = (
  { tableId, mark }: Pick<TablePosition, 'tableId' | 'mark'>,
  files: number,
): TablePosition => ({ tableId: `${filling}${tableId}`, version: files, mark });

/**
 * Reads the position of a shadow that is being filled; undefined if it already follows the log. The mark is that of the version it is
 * filled with.
 */
export function parseFilling({
  tableId,
  version,
  mark,
}: TablePosition): { tableId: string; files: number; mark: string | undefined } | undefined {
  return tableId.startsWith(filling)
    ? { tableId: tableId.slice(filling.length), files: version, mark }
    : undefined;
}

/** The contents of a table's row in the ledger while a shadow takes its place. */
export interface Replacing {
  /**
   * `held`: loads are refused. `renaming`: the shadow is complete, too. `earlier`: the same as `renaming`, written by an earlier release.
   */
  readonly stage: 'held' | 'renaming' | 'earlier';
  /** The full name of the shadow. */
  readonly shadow: string;
  /** The id in the table's own position. It is empty before the first load, and if an earlier release has not kept it. */
  readonly tableId: string;
}

/** Reads what the ledger's row of a table says about a shadow; undefined if no shadow is taking the table's place. */
export function parseReplacing({ tableId: text }: Pick<TablePosition, 'tableId'>): Replacing | undefined {
  if (text.startsWith(earlierSwap))
    return { stage: 'earlier', shadow: text.slice(earlierSwap.length), tableId: '' };
  for (const stage of ['held', 'renaming'] as const) {
    const [, shadow, tableId] = /^([^|]*)\|(.*)$/s.exec(text.slice(prefixOf[stage].length)) ?? [];
    if (text.startsWith(prefixOf[stage]) && shadow !== undefined && tableId !== undefined)
      return { stage, shadow, tableId };
  }
  return undefined;
}

/** The text in front of the table's own id in `delta_id` while a shadow takes its place. */
export const replacingPrefix = (stage: 'held' | 'renaming', shadow: WarehouseTable): string =>
  `${prefixOf[stage]}${fullName(shadow)}|`;

/** The beginnings of `delta_id` that say that a shadow is taking the place of a table. */
export const replacingPrefixes: readonly string[] = [prefixOf.held, prefixOf.renaming, earlierSwap];

/** The position of the table itself, without what the row says about a shadow. */
export function ownPosition(position: TablePosition): TablePosition {
  const replacing = parseReplacing(position);
  return replacing ? { ...position, tableId: replacing.tableId } : position;
}

/** Whether the ledger knows a shadow of the table, or says that one takes its place. */
export function isBeingRebuilt(ledger: ReadonlyMap<string, TablePosition>, table: WarehouseTable): boolean {
  const own = ledger.get(fullName(table));
  if (own && parseReplacing(own)) return true;
  const prefix = `${table.schema}.${shadowPrefix(table)}`;
  return [...ledger.keys()].some((name) => name.startsWith(prefix));
}
