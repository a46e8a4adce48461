import type { Add, Remove } from '../delta/actions';
import { fileKey } from '../delta/fileKey';
import { addsOf, type CheckpointPart } from '../delta/fileRows';
import { checkpointPath, commitPath, describeVersion, readLastCheckpoint } from '../delta/log';
import { type LogTail, openSnapshot, openTail } from '../delta/openTable';
import { CheckpointEncoder, type EncodedCheckpoint } from '../delta/parquet/encodeCheckpoint';
import { isStillInLog } from '../delta/position';
import { readCheckpoint } from '../delta/readCheckpoint';
import { ensureWithoutVector, type Snapshot } from '../delta/state';
import { isOn, retentionMs } from '../delta/tableProperties';
import { isDamage, TributaryError } from '../errors';
import { inspectCheckpoint, isOfLostCommit, moveLastCheckpoint } from './lastCheckpoint';
import { ensureMaintainable, type MaintenanceTask, type NoTable, storeTime } from './task';

export type CheckpointOutcome =
  | {
      /** `exists`: another process wrote it at the same time. `current`: the newest version had a checkpoint before. */
      readonly outcome: 'written' | 'exists' | 'current';
      readonly version: number;
      readonly files?: number;
    }
  | NoTable;

/**
 * Writes a checkpoint of the newest version (PROTOCOL.md, "Checkpoints"). It writes a classic single part once, and then
 * `_last_checkpoint`, which never moves back. Expired tombstones are left out. All txns are kept, because they make ingestion idempotent.
 * The previous checkpoint is copied into the new one row group by row group, so that memory does not grow with the number of files.
 */
export async function checkpoint(task: MaintenanceTask): Promise<CheckpointOutcome> {
  const { at, signal } = task;
  signal?.throwIfAborted();
  const log = await openTail(at);
  if (!log) return { outcome: 'no-table' };
  const { version } = log.tail;
  ensureMaintainable(log.tail);
  const path = checkpointPath(at.table, version);
  const last = await readLastCheckpoint(at);
  if (last?.version === version && log.base?.version === version) return { outcome: 'current', version };
  const encoded = await encodeTail(task, log);
  signal?.throwIfAborted();
  await ensureStillInLog(log.tail);
  const outcome = await putCheckpoint(log.tail, encoded.bytes);
  // A checkpoint of commits that storage has lost would bring their rows back.
  await ensureStillInLog(log.tail).catch(async (error) => {
    if (outcome === 'written') await at.store.delete(path);
    throw error;
  });
  // An existing checkpoint of this version may have fewer tombstones, which does no harm. If it is damaged, nothing may point to it.
  const description =
    outcome === 'written'
      ? {
          version,
          size: encoded.numRows,
          sizeInBytes: encoded.bytes.length,
          numOfAddFiles: encoded.numOfAddFiles,
        }
      : await inspectCheckpoint(at, { version, paths: [path] });
  await moveLastCheckpoint(at, description, signal);
  return { outcome, version, files: description.numOfAddFiles };
}

/** Stores a checkpoint, unless its version has one. A checkpoint that was made of a commit which storage has lost is replaced. */
async function putCheckpoint({ at, version }: Snapshot, bytes: Uint8Array): Promise<'written' | 'exists'> {
  const path = checkpointPath(at.table, version);
  const { outcome } = await at.store.putIfAbsent(path, bytes);
  if (outcome === 'written') return 'written';
  if (!(await isOfLostCommit(at, { version, paths: [path] }))) return 'exists';
  await at.store.put(path, bytes);
  return 'written';
}

/** Throws `delta.contention` if storage went back in time since the version was read. The next pass reads the log anew. */
async function ensureStillInLog(tail: Snapshot): Promise<void> {
  if (await isStillInLog(tail)) return;
  const where = describeVersion(tail.at, tail.version);
  throw new TributaryError(
    'delta.contention',
    `${where} is not in the log any more: no checkpoint of it is kept.`,
  );
}

type CountedCheckpoint = EncodedCheckpoint & { readonly numOfAddFiles: number };

/**
 * Encodes the checkpoint. If the file rows of the previous checkpoint are damaged, the table is opened from an older checkpoint and the
 * commits after it instead.
 */
async function encodeTail(task: MaintenanceTask, log: LogTail): Promise<CountedCheckpoint> {
  const { at, version } = log.tail;
  try {
    return await encodeLog(task, log);
  } catch (error) {
    // The log has a value of a type that the checkpoint's column does not take.
    if (error instanceof TributaryError && error.code === 'parquet.value')
      throw new TributaryError(error.code, `${describeVersion(at, version)}, ${error.message}`);
    if (!isDamage(error) || !log.base) throw error;
    const tail = await openSnapshot(at, { version });
    if (!tail) throw error;
    return encodeLog(task, { base: undefined, tail });
  }
}

async function encodeLog(task: MaintenanceTask, { base, tail }: LogTail): Promise<CountedCheckpoint> {
  const { at, signal, now = Date.now() } = task;
  const { version, protocol, metaData, txns, files, tombstones } = tail;
  const where = describeVersion(at, version);
  const newest = await at.store.get(commitPath(at.table, version));
  const time = storeTime(now, newest?.lastModified.getTime() ?? now);
  const keptSince = time - retentionMs(metaData.configuration, 'delta.deletedFileRetentionDuration', where);
  const encoder = encoderOf(tail);
  let numOfAddFiles = 0;
  encoder.add({ protocol });
  encoder.add({ metaData });
  for (const txn of txns.values()) encoder.add({ txn });
  const restate = ({ adds, removes }: { adds: Iterable<Add>; removes: Iterable<Remove> }) => {
    for (const remove of removes) if (!isExpired(remove, keptSince)) encoder.add({ remove });
    for (const add of adds) {
      ensureWithoutVector(add, where);
      encoder.add({ add });
      numOfAddFiles++;
    }
    task.progress?.({ step: 'checkpoint', done: numOfAddFiles, total: Math.max(numOfAddFiles, files.size) });
  };
  const isReplaced = (key: string) => files.has(key) || tombstones.has(key);
  const isKept = (action: Add | Remove) => !isReplaced(fileKey(action));
  const isThere =
    base === undefined ||
    (await readCheckpoint(at, base, true, (part) => {
      signal?.throwIfAborted();
      const copied = copyWhole(part, encoder, isReplaced);
      numOfAddFiles += copied;
      if (copied > 0) restate({ adds: [], removes: [] });
      else restate({ adds: [...addsOf(part)].filter(isKept), removes: part.removes.filter(isKept) });
    }));
  if (!isThere)
    throw new TributaryError('delta.invalid', `${where}: the checkpoint ${base?.paths[0]} is gone.`);
  restate({ adds: files.values(), removes: tombstones.values() });
  return { ...encoder.finish(tail.mark), numOfAddFiles };
}

function encoderOf({ metaData: { configuration }, fields }: Snapshot): CheckpointEncoder {
  return new CheckpointEncoder({
    ...(isOn(configuration, 'delta.checkpoint.writeStatsAsStruct', false) && { structOf: fields }),
    withoutJson: !isOn(configuration, 'delta.checkpoint.writeStatsAsJson', true),
  });
}

/** Copies a part of the previous checkpoint as it is stored, if all of its files are still live. Returns how many files these are. */
function copyWhole(
  { files, stored }: CheckpointPart,
  encoder: CheckpointEncoder,
  isReplaced: (key: string) => boolean,
): number {
  if (!files || !stored) return 0;
  for (const row of files.indices()) if (files.hasOthers(row) || isReplaced(files.keyAt(row))) return 0;
  return encoder.copy(stored) ? files.count : 0;
}

/** Whether a tombstone has expired. One without a time has long expired (PROTOCOL.md, "Add File and Remove File"). */
export const isExpired = ({ deletionTimestamp = 0 }: Remove, keptSince: number) =>
  deletionTimestamp < keptSince;
