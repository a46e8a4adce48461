import { type FileHandle, open, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Add } from '../delta/actions';
import { dataFilePath, describeVersion } from '../delta/log';
import { dataFile } from '../delta/openDataFile';
import type { Snapshot } from '../delta/state';
import { inParallel } from '../inParallel';
import { quantity } from '../quantity';

const parallelFiles = 4;
/** What is read of a file at once. */
const rangeBytes = 4 * 1024 * 1024;

export interface CopyOptions {
  readonly signal: AbortSignal;
  /** Called with the bytes that were copied and all that have to be. */
  readonly onBytes?: ((done: number, total: number) => void) | undefined;
}

/** What a table's files are after `copy`. */
export interface Copied {
  /** The paths of the copies, one for each live file. */
  readonly paths: readonly string[];
  /** How many bytes were copied; those of files that were there already do not count. */
  readonly bytes: number;
}

/**
 * Copies of the data files of Delta tables in a folder of this machine. A data file never changes, so that one that is there already is
 * not copied again; one that a later version no longer has is deleted.
 */
export class LocalFiles {
  readonly #folder: string;
  /** By the path in the table, for each table. */
  readonly #kept = new Map<string, Map<string, string>>();
  #copies = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Copies the live files of a version.
   * @throws `parquet.invalid` if a file is gone or has another size than the log says; an error if the disk has not enough space
   */
  async copy(snapshot: Snapshot, { signal, onBytes }: CopyOptions): Promise<Copied> {
    const kept = this.#keptOf(snapshot.at.table);
    for (const [path, copy] of kept) {
      if (snapshot.files.has(path)) continue;
      kept.delete(path);
      await rm(copy, { force: true });
    }
    const missing = [...snapshot.files].filter(([path]) => !kept.has(path));
    const total = missing.reduce((sum, [, add]) => sum + add.size, 0);
    await this.#ensureSpace(total);
    let done = 0;
    const onRange = (bytes: number) => {
      done += bytes;
      onBytes?.(done, total);
    };
    await inParallel(missing, parallelFiles, async ([path, add], givenUp) => {
      const target = join(this.#folder, `${++this.#copies}.parquet`);
      await copyFile({ snapshot, add, target, signal: AbortSignal.any([signal, givenUp]), onRange });
      kept.set(path, target);
    });
    return { paths: [...kept.values()], bytes: total };
  }

  #keptOf(table: string): Map<string, string> {
    const kept = this.#kept.get(table) ?? new Map<string, string>();
    this.#kept.set(table, kept);
    return kept;
  }

  async #ensureSpace(bytes: number): Promise<void> {
    const { bavail, bsize } = await statfs(this.#folder);
    const free = bavail * bsize;
    if (bytes <= free) return;
    throw new Error(
      `The files have ${quantity(bytes, 'byte')}, and ${this.#folder} has room for ${quantity(free, 'byte')}: set TMPDIR to a folder on a larger disk.`,
    );
  }
}

interface FileCopy {
  readonly snapshot: Snapshot;
  readonly add: Add;
  readonly target: string;
  readonly signal: AbortSignal;
  readonly onRange: (bytes: number) => void;
}

async function copyFile({ snapshot, add, target, signal, onRange }: FileCopy): Promise<void> {
  const { at, version } = snapshot;
  const path = dataFilePath(at, add.path, version);
  const where = `${describeVersion(at, version)}, file ${add.path}`;
  const source = dataFile({ store: at.store, path, where }, add.size);
  let file: FileHandle | undefined;
  try {
    file = await open(target, 'wx', 0o600);
    for (let start = 0; start < add.size; start += rangeBytes) {
      signal.throwIfAborted();
      const bytes = await source.read(start, Math.min(rangeBytes, add.size - start));
      await file.write(bytes);
      onRange(bytes.length);
    }
  } finally {
    await file?.close();
  }
}
