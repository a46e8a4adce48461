import { markOf } from '../delta/actions';
import { strayPath } from '../delta/hole';
import {
  type LogFile,
  lastCheckpointPath,
  listLogFiles,
  readLastCheckpoint,
  type TableLocation,
} from '../delta/log';
import { openState } from '../delta/openTable';
import { readMark } from '../delta/position';
import type { TableState } from '../delta/state';
import { isDamage, type TributaryError } from '../errors';
import { inspectCheckpoint, moveLastCheckpoint } from './lastCheckpoint';
import { changedLog, checkpointsOf, findLogEnd } from './logEnd';
import { costOf, readStray, type StrayCost, type StrayFile } from './strayFiles';
import { ensureMaintainable, type MaintenanceTask, type NoTable } from './task';

export interface RepairLogTask extends MaintenanceTask {
  /** True to say what would be moved, and change nothing. */
  readonly dryRun?: boolean;
}

export type RepairLogOutcome =
  | NoTable
  /** There is nothing above the end of the log, so nothing to repair. */
  | { readonly outcome: 'whole'; readonly version: number }
  | ({
      /** `planned` is the outcome of a dry run. */
      readonly outcome: 'repaired' | 'planned';
      /**
       * The end of the log, after which new commits are written. It is -1 if nothing of the log is left, so that the table will be made
       * anew.
       */
      readonly version: number;
      /** How many files of the log are moved: entries, checkpoints and others. */
      readonly files: number;
    } & StrayCost);

/**
 * Moves log files that do not follow on the end of the log (see hole.ts) into the table's folder `_stray`. It begins at the highest
 * version, and copies each file before it deletes it, so that after an interruption another run can finish the work. Data files stay where
 * they are until vacuum deletes them.
 *
 * The app should be stopped meanwhile. If the log changes nevertheless, the repair stops at once.
 * @throws what opening the table throws, if moving files does not help; `delta.contention` if the log changes
 */
export async function repairLog(task: RepairLogTask): Promise<RepairLogOutcome> {
  const { at, dryRun = false } = task;
  const plan = await planRepair(task);
  if (!plan) return { outcome: 'no-table' };
  const { version, stray } = plan;
  if (stray.length === 0 && !plan.isPointerWrong) return { outcome: 'whole', version };
  const cost = costOf(stray, await stateAt(at, version));
  if (!dryRun) {
    const again = await planRepair(task);
    if (!again || fingerprint(again) !== fingerprint(plan)) throw changedLog(at, version + 1);
    await moveAside(task, plan);
    if (plan.isPointerWrong) await mendPointer(task, plan);
  }
  return { outcome: dryRun ? 'planned' : 'repaired', version, files: stray.length, ...cost };
}

interface Plan {
  readonly version: number;
  /** The files to move, in the order in which they are moved. */
  readonly stray: readonly StrayFile[];
  /** The mark of the entry right above the end, if there is such a stray entry. */
  readonly nextMark: string | undefined;
  /** True if `_last_checkpoint` points above the end of the log, or to an older checkpoint than the newest usable one. */
  readonly isPointerWrong: boolean;
  /** The files of the log that stay in their place. */
  readonly rest: readonly LogFile[];
}

/** Plans the repair. Undefined if there is no table. */
async function planRepair({ at, signal }: RepairLogTask): Promise<Plan | undefined> {
  signal?.throwIfAborted();
  const { opened, damage } = await tryOpening(at);
  if (!opened && !damage) return undefined;
  const files: LogFile[] = [];
  for await (const file of listLogFiles(at)) {
    signal?.throwIfAborted();
    files.push(file);
  }
  const version = await findLogEnd(at, files);
  if (opened && version < opened.version) throw changedLog(at, version + 1);
  const [stray = [], rest = []] = [true, false].map((isAbove) =>
    files.filter((file) => (file.version ?? -1) > version === isAbove),
  );
  // If a log has no beginning, all of its entries are stray only if the log never had a checkpoint.
  const isMendable = stray.length > 0 && (version >= 0 || damage?.code === 'delta.hole');
  if (damage && !isMendable) throw damage;
  const pointer = (await readLastCheckpoint(at))?.version;
  const newest = checkpointsOf(rest).at(-1)?.version ?? -1;
  const isPointerTooOld = opened !== undefined && opened.version < version && (pointer ?? newest) < newest;
  return {
    version,
    stray: await readStray(at, stray, signal),
    nextMark: await readMark(at, version + 1),
    isPointerWrong: isPointerTooOld || (pointer ?? -1) > version,
    rest,
  };
}

/** The newest version, or the error of opening the log. Both are undefined if there is no table. */
async function tryOpening(at: TableLocation): Promise<{ opened?: TableState; damage?: TributaryError }> {
  try {
    const opened = await openState(at);
    return opened ? { opened } : {};
  } catch (damage) {
    if (isDamage(damage)) return { damage };
    throw damage;
  }
}

/** The version that will be the newest one. Throws `delta.unsupported` if moving files could break the table's rules. */
async function stateAt(at: TableLocation, version: number): Promise<TableState | undefined> {
  const state = version < 0 ? undefined : await openState(at, { version });
  if (state) ensureMaintainable(state);
  return state;
}

const fingerprint = ({ version, stray, nextMark }: Plan): string =>
  JSON.stringify([version, nextMark, stray.map(({ path, mark }) => [path, mark])]);

async function moveAside({ at, signal, progress }: RepairLogTask, plan: Plan): Promise<void> {
  const { version, stray, nextMark } = plan;
  const total = stray.length;
  for (const [done, { path, mark }] of stray.entries()) {
    signal?.throwIfAborted();
    progress?.({ step: 'repair', done, total });
    const found = await at.store.get(path);
    if (!found) continue;
    if (mark !== undefined && markOf(found.bytes) !== mark) throw changedLog(at, version + 1);
    await copyAside(at, path, found.bytes);
    // If the entry right above the end has changed, somebody is writing, so the repair stops.
    if ((await readMark(at, version + 1)) !== nextMark) throw changedLog(at, version + 1);
    await at.store.delete(path);
  }
  progress?.({ step: 'repair', done: total, total });
}

/** Copies a file to where stray files are kept. If an earlier repair has moved another file of that name, a new name is taken. */
async function copyAside({ store, table }: TableLocation, path: string, bytes: Uint8Array): Promise<void> {
  const wanted = strayPath(table, path);
  for (let copies = 0; ; copies++) {
    const target = copies === 0 ? wanted : `${wanted}.${copies}`;
    if ((await store.putIfAbsent(target, bytes)).outcome === 'written') return;
    // The file is the copy of an interrupted run, or of this call if its reply was lost.
    const there = await store.get(target);
    if (there && Buffer.compare(there.bytes, bytes) === 0) return;
  }
}

/** Points `_last_checkpoint` to the newest undamaged checkpoint that is left; deletes it if there is none. */
async function mendPointer({ at, signal }: RepairLogTask, { rest }: Plan): Promise<void> {
  for (const checkpoint of checkpointsOf(rest).reverse()) {
    signal?.throwIfAborted();
    try {
      await moveLastCheckpoint(at, await inspectCheckpoint(at, checkpoint), signal);
      return;
    } catch (error) {
      if (!isDamage(error)) throw error;
    }
  }
  await at.store.delete(lastCheckpointPath(at.table));
}
