import { randomBytes } from 'node:crypto';
import { followState } from '../delta/follow';
import type { TableLocation } from '../delta/log';
import { openSnapshot } from '../delta/openTable';
import { isSameEntry, type TablePosition } from '../delta/position';
import { recordsOf } from '../delta/readStatistics';
import { effectOnRows } from '../delta/rowEffect';
import type { Snapshot } from '../delta/state';
import { TributaryError } from '../errors';
import type { WarehouseTable } from '../streams/stream';
import { defaultLimits, type LoadLimits, readRows } from './deltaVersions';
import { readLedgerPosition } from './ledgerPosition';
import { fullName, type SwapOutcome, shadowOfSwap, shadowPrefix, type Warehouse } from './warehouse';

/** How often a rebuild may start again because vacuum deleted its files meanwhile. */
const maxAttempts = 3;

export interface RebuildOptions {
  readonly warehouse: Warehouse;
  readonly at: TableLocation;
  readonly table: WarehouseTable;
  /** Aborting it ends the work between two loads. Another call continues from there. */
  readonly signal: AbortSignal;
  readonly limits?: LoadLimits;
  /** Called after each load. */
  readonly onProgress?: (progress: { files: number; of: number; version: number }) => void;
}

/** `rebuilt-elsewhere`: another process was faster. */
export type Rebuilt =
  | { readonly outcome: 'rebuilt'; readonly version: number }
  | { readonly outcome: 'rebuilt-elsewhere' | 'stopped' | 'no-table' };

/**
 * Loads the live files of the newest version into a shadow table, and then replaces the table by it. The shadow has its own row in
 * the ledger, which counts the loaded files. So the work can be interrupted anywhere, and several processes can share it. Until the
 * swap, the table itself is loaded as usual.
 */
export async function rebuild(options: RebuildOptions): Promise<Rebuilt> {
  const { warehouse, table } = options;
  let attempts = 0;
  for (;;) {
    const interrupted = await readLedgerPosition(warehouse, table);
    if (shadowOfSwap(interrupted) !== undefined) {
      const finished = await finishSwap(options);
      if (finished === 'swapped') return { outcome: 'rebuilt', version: interrupted.version };
      if (finished === 'not-swapped') return { outcome: 'rebuilt-elsewhere' };
    }
    const started = await beginOrResume(options);
    if (!started) return { outcome: 'no-table' };
    const { shadow, snapshot } = started;
    const filled = await fillShadow(options, shadow, snapshot);
    if (filled === 'filled') {
      const to = { tableId: snapshot.metaData.id, version: snapshot.version, mark: snapshot.mark };
      const swapped = await warehouse.swap({ table, shadow, files: snapshot.files.size, to });
      if (swapped === 'swapped') {
        await dropOthers(options);
        return { outcome: 'rebuilt', version: to.version };
      }
      // If our shadow was not taken, leave other shadows alone, because one of them may just be replacing the table.
      if (!(await warehouse.ledger()).has(fullName(shadow))) return { outcome: 'rebuilt-elsewhere' };
      // The last load in the ledger was rolled back because its process ended, or another shadow is replacing the table.
      continue;
    }
    if (filled === 'stopped') return { outcome: 'stopped' };
    if (filled === 'taken') return { outcome: 'rebuilt-elsewhere' };
    await warehouse.dropShadow(shadow);
    if (++attempts === maxAttempts) {
      throw new TributaryError(
        'delta.invalid',
        `${options.at.store.name}/${options.at.table} version ${snapshot.version}: data file ${filled.gone} is gone.`,
      );
    }
  }
}

/**
 * Finishes a swap whose process ended before it was done. `not-swapped`: there is no such swap (any more). `shadow-missing`: the
 * ledger does not have the shadow that should replace the table, so that only another rebuild helps.
 */
export async function finishSwap(options: RebuildOptions): Promise<SwapOutcome | 'shadow-missing'> {
  const { warehouse, table } = options;
  // Take both rows from one answer, because another process may end the swap between two.
  const ledger = await warehouse.ledger();
  const position = ledger.get(fullName(table));
  const name = position && shadowOfSwap(position)?.slice(table.schema.length + 1);
  if (!position || name === undefined) return 'not-swapped';
  const shadow = { ...table, name };
  const filled = ledger.get(fullName(shadow));
  if (!filled) return 'shadow-missing';
  // The shadow is complete: that was checked before the swap was put into the ledger.
  const { tableId, version: files } = filled;
  const to = { tableId, version: position.version, mark: position.mark };
  const swapped = await warehouse.swap({ table, shadow, files, to });
  if (swapped === 'swapped') await dropOthers(options);
  return swapped;
}

/** The version that a shadow is meant to hold, which is part of its name. */
const newShadow = (table: WarehouseTable, version: number): WarehouseTable => ({
  ...table,
  name: `${shadowPrefix(table)}${version}_${randomBytes(4).toString('hex')}`,
});

interface Started {
  readonly shadow: WarehouseTable;
  readonly snapshot: Snapshot;
}

async function beginOrResume(options: RebuildOptions): Promise<Started | undefined> {
  const { warehouse, at, table } = options;
  const head = await openSnapshot(at);
  if (!head) return undefined;
  for (const { shadow, version, tableId, mark } of await shadowsOf(warehouse, table)) {
    const snapshot = await openFollowed(at, { tableId, version, mark });
    if (snapshot) return { shadow, snapshot };
    await warehouse.dropShadow(shadow);
  }
  const shadow = newShadow(table, head.version);
  await warehouse.createShadow(shadow, head.metaData.id, head.mark);
  return { shadow, snapshot: head };
}

/** Undefined if the log cannot be followed from there to its end, because the table would then need another rebuild at once. */
async function openFollowed(at: TableLocation, position: TablePosition): Promise<Snapshot | undefined> {
  const follower = followState(at, { mostBehind: Number.POSITIVE_INFINITY });
  follower.seek(position);
  for (;;) {
    const found = await follower.advance();
    if (found.step === 'nothing-new') break;
    if (found.step !== 'commits') return undefined;
    if (found.commits.some((commit) => effectOnRows(commit, position.tableId).effect === 'rewrite'))
      return undefined;
    if (found.atHead) break;
  }
  // Storage may have gone back in time since, and grown another commit of that version.
  const snapshot = await openSnapshot(at, { version: position.version });
  return snapshot && isSameEntry(snapshot.mark, position.mark) ? snapshot : undefined;
}

/** The shadows in the ledger, the one with the most progress first. */
async function shadowsOf(warehouse: Warehouse, table: WarehouseTable) {
  const prefix = shadowPrefix(table);
  const found = [...(await warehouse.ledger())].flatMap(([fullShadow, position]) => {
    const name = fullShadow.slice(table.schema.length + 1);
    if (fullShadow !== `${table.schema}.${name}` || !name.startsWith(prefix)) return [];
    const version = Number(/^(\d+)_/.exec(name.slice(prefix.length))?.[1] ?? Number.NaN);
    return Number.isInteger(version)
      ? [{ ...position, shadow: { ...table, name }, version, files: position.version }]
      : [];
  });
  return found.sort((a, b) => b.files - a.files);
}

async function dropOthers({ warehouse, table }: RebuildOptions): Promise<void> {
  for (const { shadow } of await shadowsOf(warehouse, table)) await warehouse.dropShadow(shadow);
  await warehouse.dropLeftovers(table);
}

/** `taken`: the shadow is gone, because another process has used or dropped it. */
async function fillShadow(
  options: RebuildOptions,
  shadow: WarehouseTable,
  snapshot: Snapshot,
): Promise<'filled' | 'taken' | 'stopped' | { readonly gone: string }> {
  const { warehouse, signal, limits = defaultLimits, onProgress } = options;
  // Every process must see the files in the same order, because the ledger only has the number of loaded files.
  const files = [...snapshot.files.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  const { mark } = snapshot;
  const tableId = snapshot.metaData.id;
  for (;;) {
    const position = (await warehouse.ledger()).get(fullName(shadow));
    if (!position) return 'taken';
    const done = position.version;
    onProgress?.({ files: done, of: files.length, version: snapshot.version });
    if (done >= files.length) return 'filled';
    if (signal.aborted) return 'stopped';
    let [end, rows, bytes] = [done, 0, 0];
    for (; end < files.length; end++) {
      const file = files[end];
      if (!file) break;
      rows += recordsOf(file) ?? 0;
      bytes += file.size;
      if (end > done && (rows > limits.rows || bytes > limits.bytes)) break;
    }
    const read = await readRows(snapshot, files.slice(done, end), shadow);
    if ('gone' in read) return read;
    await warehouse.load({ table: shadow, from: position, to: { tableId, version: end, mark }, rows: read });
  }
}
