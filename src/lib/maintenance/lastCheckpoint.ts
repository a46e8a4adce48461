import {
  type CheckpointFiles,
  describeVersion,
  lastCheckpointPath,
  parseLastCheckpoint,
  readCommit,
  type TableLocation,
} from '../delta/log';
import { isOfEntry, type ReadCheckpoint, readCheckpoint } from '../delta/readCheckpoint';
import { isDamage, TributaryError } from '../errors';

/** The content of `_last_checkpoint` (PROTOCOL.md, "Last Checkpoint File"). Above 200 bytes, Synapse serverless fails. */
export interface CheckpointDescription {
  readonly version: number;
  /** The number of actions. */
  readonly size: number;
  readonly sizeInBytes: number;
  readonly numOfAddFiles: number;
  readonly parts?: number;
}

/**
 * Reads a whole checkpoint and describes it. Throws `delta.invalid` or `parquet.invalid` if it is gone or damaged, or was made of a commit
 * that storage has lost.
 */
export async function inspectCheckpoint(
  at: TableLocation,
  checkpoint: CheckpointFiles,
): Promise<CheckpointDescription> {
  const { version, paths } = checkpoint;
  let actions = 0;
  let numOfAddFiles = 0;
  let isWhole = { protocol: false, metaData: false };
  const found = await readCheckpoint(at, checkpoint, true, (part) => {
    const { protocol, metaData, removes, txns } = part;
    const adds = part.adds.length + (part.files?.count ?? 0);
    actions += adds + removes.length + txns.length + (protocol ? 1 : 0) + (metaData ? 1 : 0);
    numOfAddFiles += adds;
    isWhole = {
      protocol: isWhole.protocol || protocol !== undefined,
      metaData: isWhole.metaData || metaData !== undefined,
    };
  });
  const refuse = (problem: string): never => {
    throw new TributaryError(
      'delta.invalid',
      `${describeVersion(at, version)}: the checkpoint ${paths[0]} ${problem}.`,
    );
  };
  if (!found) return refuse('is gone');
  if (!isWhole.protocol || !isWhole.metaData) return refuse('holds no protocol or no metaData action');
  if (await isOfAnotherCommit(at, version, found))
    return refuse('was made of a commit that storage has lost');
  let sizeInBytes = 0;
  for (const path of paths) sizeInBytes += (await at.store.getRange(path, 0, 1))?.size ?? 0;
  const parts = paths.length > 1 ? { parts: paths.length } : {};
  return { version, size: actions, sizeInBytes, numOfAddFiles, ...parts };
}

/** Whether a checkpoint was made of a commit that storage has lost. False if the checkpoint cannot be read. */
export async function isOfLostCommit(at: TableLocation, checkpoint: CheckpointFiles): Promise<boolean> {
  try {
    const read = await readCheckpoint(at, checkpoint, false, () => {});
    return read !== undefined && (await isOfAnotherCommit(at, checkpoint.version, read));
  } catch (error) {
    if (isDamage(error)) return false;
    throw error;
  }
}

/** Whether a checkpoint was made of another commit than the log has. False if the log's entry cannot be read. */
async function isOfAnotherCommit(at: TableLocation, version: number, read: ReadCheckpoint): Promise<boolean> {
  const entry = await readCommit(at, version).catch((error) => {
    if (!isDamage(error)) throw error;
  });
  return !isOfEntry(read, entry?.mark);
}

const maxTries = 5;

/**
 * Points `_last_checkpoint` to a checkpoint, unless it points to a newer one. Others may move it at the same time. Returns false if they
 * did so again and again; that does no harm, because the file is only a hint.
 */
export async function moveLastCheckpoint(
  at: TableLocation,
  description: CheckpointDescription,
  signal?: AbortSignal,
): Promise<boolean> {
  const path = lastCheckpointPath(at.table);
  const bytes = Buffer.from(JSON.stringify(description));
  for (let tries = 0; tries < maxTries; tries++) {
    // Try at least once, even if the signal is aborted: a checkpoint without a pointer is useless.
    if (tries > 0) signal?.throwIfAborted();
    const there = await at.store.get(path);
    const last = there && parseLastCheckpoint(at.table, there.bytes);
    // If the file of the newer checkpoint is missing or was never finished, the pointer is replaced.
    const isNewer = last && last.version >= description.version;
    if (isNewer && (await at.store.getRange(last.paths[0] ?? '', 0, 1))) return true;
    const { outcome } = there
      ? await at.store.putIfMatch(path, bytes, there.etag)
      : await at.store.putIfAbsent(path, bytes);
    if (outcome === 'written') return true;
  }
  return false;
}
