import { followState } from '../delta/follow';
import type { TableLocation } from '../delta/log';
import { openSnapshot } from '../delta/openTable';
import { isSameEntry, positionOfState, type TablePosition } from '../delta/position';
import { effectOnRows } from '../delta/rowEffect';
import type { Snapshot } from '../delta/state';
import type { WarehouseTable } from '../streams/stream';
import { filledVersion, fillingPosition, newShadow, parseFilling, type Replacing } from './shadow';
import { fullName, type Swap, type Warehouse } from './warehouse';

/*
 * Begins a rebuild. It continues with a shadow that an earlier rebuild has left, if that can still become complete; otherwise it makes a
 * new one. A shadow is the new table, which is filled beside the old one; see shadow.ts.
 */

export interface BeginOptions {
  readonly warehouse: Warehouse;
  readonly at: TableLocation;
  readonly table: WarehouseTable;
}

export interface Started {
  readonly shadow: WarehouseTable;
  /** The version with whose files to fill the shadow; undefined if the shadow already follows the log. */
  readonly snapshot: Snapshot | undefined;
}

/**
 * The shadow to fill: one that an earlier rebuild left, or else a new one. Shadows that can never become complete are dropped.
 * @param replacing what the ledger says about a shadow that is taking the place of the table; that shadow is tried first
 * @returns undefined if there is no table in the lake
 */
export async function beginOrResume(
  { warehouse, at, table }: BeginOptions,
  replacing: Replacing | undefined,
): Promise<Started | undefined> {
  const head = await openSnapshot(at);
  if (!head) return undefined;
  const found = shadowsIn(await warehouse.ledger(), table);
  const isNamed = ({ shadow }: { shadow: WarehouseTable }) => fullName(shadow) === replacing?.shadow;
  for (const one of found.sort((a, b) => Number(isNamed(b)) - Number(isNamed(a)))) {
    const started = await resume(at, one);
    if (started) return started;
    await giveUp(warehouse, { table, shadow: one.shadow });
  }
  const shadow = newShadow(table, head.version);
  const filled = positionOfState(head);
  await warehouse.createShadow(
    { table, shadow },
    head.files.size === 0 ? filled : fillingPosition(filled, 0),
  );
  return { shadow, snapshot: head };
}

/**
 * Gives up a shadow. Loads of the table are released before the shadow is dropped, because a table whose shadow is gone would refuse them.
 */
export async function giveUp(warehouse: Warehouse, swap: Swap): Promise<void> {
  await warehouse.release(swap);
  await warehouse.dropShadow(swap.shadow);
}

interface FoundShadow {
  readonly shadow: WarehouseTable;
  readonly version: number;
  readonly position: TablePosition;
}

/**
 * The shadows of a table, the one with the most progress first. Shadows of earlier releases are left out, because their names have no
 * version.
 */
function shadowsIn(ledger: ReadonlyMap<string, TablePosition>, table: WarehouseTable): FoundShadow[] {
  const found = [...ledger].flatMap(([fullShadow, position]) => {
    const name = fullShadow.slice(table.schema.length + 1);
    const version = fullShadow === `${table.schema}.${name}` ? filledVersion(table, name) : undefined;
    return version === undefined ? [] : [{ position, shadow: { ...table, name }, version }];
  });
  const isFilling = ({ position }: FoundShadow) => Number(parseFilling(position) !== undefined);
  return found.sort((a, b) => isFilling(a) - isFilling(b) || b.position.version - a.position.version);
}

/** Continues with a shadow. Undefined if it can never become complete. */
async function resume(
  at: TableLocation,
  { shadow, version, position }: FoundShadow,
): Promise<Started | undefined> {
  const filling = parseFilling(position);
  if (!filling) return (await canFollow(at, position)) ? { shadow, snapshot: undefined } : undefined;
  const { tableId, mark } = filling;
  if (!(await canFollow(at, { tableId, version, mark }))) return undefined;
  // Storage may have gone back in time since then, and the log may have another commit of that version now.
  const snapshot = await openSnapshot(at, { version });
  return snapshot && isSameEntry(snapshot.mark, mark) ? { shadow, snapshot } : undefined;
}

/** Whether the log can be followed from a position to its end. If not, the table would need another rebuild at once. */
async function canFollow(at: TableLocation, position: TablePosition): Promise<boolean> {
  const follower = followState(at, { mostBehind: Number.POSITIVE_INFINITY });
  follower.seek(position);
  for (;;) {
    const found = await follower.advance();
    if (found.step === 'nothing-new') return true;
    if (found.step !== 'commits') return false;
    if (found.commits.some((commit) => effectOnRows(commit, position.tableId).effect === 'rewrite'))
      return false;
    if (found.atHead) return true;
  }
}
