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
 * How a rebuild begins: with a shadow that an earlier one has left, if that can still become complete, or else with a new one.
 */

export interface BeginOptions {
  readonly warehouse: Warehouse;
  readonly at: TableLocation;
  readonly table: WarehouseTable;
}

export interface Started {
  readonly shadow: WarehouseTable;
  /** The version to fill it with; undefined if the shadow follows the log already. */
  readonly snapshot: Snapshot | undefined;
}

/**
 * The shadow to go on with. Shadows that can never become complete are dropped.
 * @param replacing what the ledger says of a shadow that takes the place of the table; that one comes first
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

/** Loads of the table go on first, because a table whose shadow is gone would refuse them. */
export async function giveUp(warehouse: Warehouse, swap: Swap): Promise<void> {
  await warehouse.release(swap);
  await warehouse.dropShadow(swap.shadow);
}

interface FoundShadow {
  readonly shadow: WarehouseTable;
  readonly version: number;
  readonly position: TablePosition;
}

/** The shadows of a table, the one with the most progress first. Those of earlier releases have no version here. */
function shadowsIn(ledger: ReadonlyMap<string, TablePosition>, table: WarehouseTable): FoundShadow[] {
  const found = [...ledger].flatMap(([fullShadow, position]) => {
    const name = fullShadow.slice(table.schema.length + 1);
    const version = fullShadow === `${table.schema}.${name}` ? filledVersion(table, name) : undefined;
    return version === undefined ? [] : [{ position, shadow: { ...table, name }, version }];
  });
  const isFilling = ({ position }: FoundShadow) => Number(parseFilling(position) !== undefined);
  return found.sort((a, b) => isFilling(a) - isFilling(b) || b.position.version - a.position.version);
}

/** Undefined if the shadow can never become complete. */
async function resume(
  at: TableLocation,
  { shadow, version, position }: FoundShadow,
): Promise<Started | undefined> {
  const filling = parseFilling(position);
  if (!filling) return (await canFollow(at, position)) ? { shadow, snapshot: undefined } : undefined;
  const { tableId, mark } = filling;
  if (!(await canFollow(at, { tableId, version, mark }))) return undefined;
  // Storage may have gone back in time since, and grown another commit of that version.
  const snapshot = await openSnapshot(at, { version });
  return snapshot && isSameEntry(snapshot.mark, mark) ? { shadow, snapshot } : undefined;
}

/** Whether the log can be followed from there to its end, so that the table would not need another rebuild at once. */
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
