import { type BackoffSteps, backoffMs } from '../backoff';
import type { TableLocation } from '../delta/log';
import { openSnapshot } from '../delta/openTable';
import type { TablePosition } from '../delta/position';
import { TributaryError } from '../errors';
import { pauseFor } from '../pauseFor';
import type { WarehouseTable } from '../streams/stream';
import { beginOrResume, giveUp, type Started } from './beginShadow';
import type { LoadLimits } from './deltaVersions';
import { fillShadow, followLog, type ShadowStep } from './fillShadow';
import { readLedgerPosition } from './ledgerPosition';
import { isBeingRebuilt, isShadowName, ownPosition, parseReplacing, type Replacing } from './shadow';
import { UnloadedCommits } from './unloadedCommits';
import { fullName, type Warehouse } from './warehouse';

/**
 * How many tries one call makes if files are deleted meanwhile, or another process is in the way. It is also how many tries in a row it
 * makes if the warehouse cannot be reached: a rebuild may take hours, in which connections break.
 */
const maxTries = 5;
const defaultBackoff: BackoffSteps = { firstMs: 200 };

export interface RebuildOptions {
  readonly warehouse: Warehouse;
  readonly at: TableLocation;
  readonly table: WarehouseTable;
  /** Aborting it ends the work between two loads. Another call continues from there. */
  readonly signal: AbortSignal;
  readonly limits?: LoadLimits;
  /** Called after each load. */
  readonly onProgress?: (progress: { files: number; of: number; version: number }) => void;
  /** True to only finish what was begun. If the shadow that should take the table's place is gone, loads of the table are released. */
  readonly continueOnly?: boolean;
  /**
   * Whether to go on if replacing the table would lose something that people have added to it. This is checked at the start, and again
   * before the shadow takes its place, because hours may pass in between. It is also checked whether the table can be replaced at all. If
   * this member is missing, nothing is checked.
   */
  readonly mayLose?: boolean;
  /** The waits before another try; by default from 0.2 to 5 s. */
  readonly backoff?: BackoffSteps;
}

/** `rebuilt-elsewhere`: another process was faster, and has finished its rebuild. */
export type Rebuilt =
  | { readonly outcome: 'rebuilt'; readonly version: number }
  | WouldLose
  | { readonly outcome: 'rebuilt-elsewhere' | 'stopped' | 'no-table' };

/**
 * The losses that the replacement would cause, in sentences. The table was not changed; a shadow that was begun is kept for the next
 * rebuild.
 */
export interface WouldLose {
  readonly outcome: 'would-lose';
  readonly lost: readonly string[];
}

/** The try has failed, but another one may succeed. `error` is thrown if it was the last one. */
interface Failed {
  readonly outcome: 'failed';
  readonly reason: string;
  readonly error?: TributaryError;
}

/** A try, with the facts that it must know about the try before it. */
interface Try extends RebuildOptions {
  /** The shadow that was sent to take the table's place, as long as the answer is not known. */
  readonly sent: { swap: WarehouseTable | undefined };
  /** True if another process was rebuilding the table as well. */
  readonly rivals: { met: boolean };
}

interface Lost {
  readonly outcome: 'lost';
  readonly reason: string;
  readonly error: TributaryError;
}

/**
 * Loads a table again from the lake. A shadow is filled, and then takes the table's place. Until then the table is loaded as usual. It
 * never goes back in time, unless its log did:
 *
 * 1. The shadow gets the files of the newest version, and then follows the log to near its end.
 * 2. A mark in the ledger makes loads of the table fail.
 * 3. The shadow follows the log past the table's own version.
 * 4. The shadow takes the table's place.
 *
 * Each step is in the ledger. So the work can be interrupted anywhere, and any number of processes can share it.
 * @throws `warehouse.*`, `storage.*`, `delta.*`; the last failure, if several tries fail
 */
export async function rebuild(options: RebuildOptions): Promise<Rebuilt> {
  const { warehouse, table, signal, continueOnly = false, backoff = defaultBackoff } = options;
  let [failed, lost, seen] = [0, 0, ''];
  const onProgress: RebuildOptions['onProgress'] = (progress) => {
    const now = `${progress.version}/${progress.files}`;
    if (now !== seen) lost = 0;
    seen = now;
    options.onProgress?.(progress);
  };
  const [sent, rivals]: [Try['sent'], Try['rivals']] = [{ swap: undefined }, { met: false }];
  for (;;) {
    const done = await tryRebuild({ ...options, onProgress, sent, rivals }).catch(asLost);
    if (done.outcome !== 'failed' && done.outcome !== 'lost') return done;
    if (signal.aborted) return { outcome: 'stopped' };
    const tries = done.outcome === 'lost' ? ++lost : ++failed;
    // With `continueOnly`, a lost connection ends the work at once: the load that called this is repeated anyway.
    if (done.outcome === 'lost' && (continueOnly || tries === maxTries)) throw done.error;
    if (tries === maxTries)
      throw (
        done.error ??
        new TributaryError(
          'warehouse.unavailable',
          `${warehouse.name}: the rebuild of ${fullName(table)} did not end in ${maxTries} tries: ${done.reason}.`,
        )
      );
    await pauseFor(backoffMs(tries, backoff), signal);
    if (signal.aborted) return { outcome: 'stopped' };
  }
}

/**
 * The outcome for a warehouse that could not be reached, or that broke the connection. Each step is in the ledger, so the next try
 * continues from there.
 */
function asLost(error: unknown): Lost {
  if (error instanceof TributaryError && error.code === 'warehouse.unavailable')
    return { outcome: 'lost', error, reason: error.message };
  throw error;
}

async function tryRebuild(options: Try): Promise<Rebuilt | Failed> {
  const { warehouse, table, sent, rivals } = options;
  const replacing = parseReplacing(await readLedgerPosition(warehouse, table));
  // The answer to the replacement was lost, but the ledger shows that it was done.
  if (sent.swap && !replacing && !(await warehouse.ledger()).has(fullName(sent.swap)))
    return endSwap(options);
  if (rivals.met && !isBeingRebuilt(await warehouse.ledger(), table)) return { outcome: 'rebuilt-elsewhere' };
  if (replacing) {
    const finished = await finishReplacing(options, replacing);
    if (finished) return finished;
  }
  // Once loads are held, any loader finishes the rebuild, so nobody is asked any more.
  const isOpen = options.mayLose !== undefined && !replacing;
  const ask = isOpen ? () => findLoss(options) : async () => undefined;
  const refused = await ask();
  if (refused) return refused;
  const started = await beginOrResume(options, replacing);
  if (!started) return { outcome: 'no-table' };
  const done = await completeShadow(options, started, ask);
  if ('outcome' in done) return done;
  if (done.step === 'done') return swap(options, started.shadow, done.position);
  if (done.step === 'overtaken')
    return { outcome: 'failed', reason: 'another process loads the shadow, but does not get on' };
  if (done.step === 'stopped') return { outcome: 'stopped' };
  if (done.step === 'taken') return leaveToRivals(options);
  await giveUp(warehouse, { table, shadow: started.shadow });
  return failedBy(done, options.at, started.snapshot?.version);
}

/** @throws `parquet.invalid` if the newest version needs a data file that is gone, too: then no other try can end well */
async function failedBy(
  { reason, gone }: Extract<ShadowStep, { step: 'unloadable' }>,
  at: TableLocation,
  version: number | undefined,
): Promise<Failed> {
  if (gone === undefined) return { outcome: 'failed', reason };
  const error = new TributaryError(
    'parquet.invalid',
    `${at.store.name}/${at.table} version ${version}: ${reason}.`,
  );
  if ((await openSnapshot(at))?.files.has(gone)) throw error;
  return { outcome: 'failed', reason, error };
}

/** Finishes a replacement that was begun. Undefined if the shadow must be completed first, or if it is gone and another one is needed. */
async function finishReplacing(
  options: Try,
  { shadow: name, stage }: Replacing,
): Promise<Rebuilt | Failed | undefined> {
  const { warehouse, table, continueOnly = false } = options;
  const shadow = { ...table, name: name.slice(table.schema.length + 1) };
  const isThere = (await warehouse.ledger()).has(name);
  if (isThere && stage === 'held') return undefined;
  if (isThere) return swap(options, shadow);
  await warehouse.release({ table, shadow });
  return continueOnly && stage === 'held' ? { outcome: 'rebuilt-elsewhere' } : undefined;
}

async function swap(options: Try, shadow: WarehouseTable, least?: TablePosition): Promise<Rebuilt | Failed> {
  const { warehouse, table, sent } = options;
  sent.swap = shadow;
  if ((await warehouse.swap({ table, shadow }, least)) === 'swapped') return endSwap(options);
  const ledger = await warehouse.ledger();
  sent.swap = undefined;
  if (!ledger.has(fullName(shadow))) return leaveToRivals(options);
  return { outcome: 'failed', reason: 'another process loads the shadow or replaces the table' };
}

/**
 * Our shadow is gone, or another one is taking the table's place. While another process works on it, this one does not rebuild the table:
 * the next try sees how that ends, or helps.
 */
async function leaveToRivals({ warehouse, table, rivals }: Try): Promise<Rebuilt | Failed> {
  if (!isBeingRebuilt(await warehouse.ledger(), table)) return { outcome: 'rebuilt-elsewhere' };
  rivals.met = true;
  return { outcome: 'failed', reason: 'another process rebuilds the table and has not ended' };
}

/** Drops the tables that are not needed any more. */
async function endSwap({ warehouse, table }: RebuildOptions): Promise<Rebuilt> {
  const ledger = await warehouse.ledger();
  for (const name of ledger.keys()) {
    const other = { ...table, name: name.slice(table.schema.length + 1) };
    if (name === fullName(other) && isShadowName(table, other.name)) await warehouse.dropShadow(other);
  }
  await warehouse.dropLeftovers(table);
  return { outcome: 'rebuilt', version: ledger.get(fullName(table))?.version ?? -1 };
}

/**
 * The losses that a replacement would cause; undefined if there are none, or if losses are allowed.
 * @throws `warehouse.refused` if the table cannot be replaced at all
 */
async function findLoss({ warehouse, table, mayLose }: RebuildOptions): Promise<WouldLose | undefined> {
  const lost = await warehouse.lostBySwap(table);
  return mayLose || lost.length === 0 ? undefined : { outcome: 'would-lose', lost };
}

/**
 * Takes the shadow through steps 1 to 3.
 * @param ask returns what would be lost by step 4; it is called before step 2
 */
async function completeShadow(
  options: RebuildOptions,
  { shadow, snapshot }: Started,
  ask: () => Promise<WouldLose | undefined>,
): Promise<ShadowStep | WouldLose> {
  const { warehouse, table, at } = options;
  const filled = snapshot && (await fillShadow({ ...options, shadow, snapshot }));
  if (filled && filled.step !== 'done') return filled;
  const follow = { ...options, shadow, commits: new UnloadedCommits(at) };
  const near = await followLog(follow);
  if (near.step !== 'done') return near;
  const refused = await ask();
  if (refused) return refused;
  // If another shadow is about to take the table's place, that process will drop this one.
  if (!(await warehouse.hold({ table, shadow }))) return { step: 'taken' };
  // From now on, no load changes the table. The log has the table's version, unless it was rolled back: then its end is as far as the
  // shadow can go.
  const own = ownPosition(await readLedgerPosition(warehouse, table));
  return followLog({ ...follow, until: own });
}
