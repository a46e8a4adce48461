import { open, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Add } from '../delta/actions';
import { dataFilePath, describeVersion } from '../delta/log';
import { dataFile } from '../delta/openDataFile';
import type { ByteSource } from '../delta/parquet/sourceFile';
import type { Snapshot } from '../delta/state';
import { inParallel } from '../inParallel';
import { quantity } from '../quantity';
import { type FileParts, isEverything, type Parts, type Range, readParts, wholeFile } from './fileParts';

const parallelFiles = 4;
/** How many bytes of a file are read at once. */
const rangeBytes = 4 * 1024 * 1024;

export interface CopyOptions {
  /** The columns to copy. Small files are copied as a whole. */
  readonly columns: Parts;
  readonly signal: AbortSignal;
  /** Called with the number of bytes that were copied, and the number of all bytes to copy. */
  readonly onBytes?: ((done: number, total: number) => void) | undefined;
}

/** The copies of a table's files. */
export interface Copied {
  /** The paths of the copies, one for each live file. */
  readonly paths: readonly string[];
  /** How many bytes this call has copied. */
  readonly bytes: number;
}

/** The copy of a file. Columns that were not copied are holes in it. */
interface Copy {
  readonly target: string;
  readonly parts: FileParts;
}

/**
 * Copies of the data files of Delta tables in a folder of this machine. A data file never changes, so what was copied is not copied again.
 * A copy is deleted if a later version does not have its file any more.
 */
export class LocalFiles {
  readonly #folder: string;
  /** For each table, the copies by their paths in the table. */
  readonly #kept = new Map<string, Map<string, Copy>>();
  #copies = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Copies the live files of a version.
   * @throws `parquet.invalid` if a file is gone or is not what the log says; an error if the disk has not enough space
   */
  async copy(snapshot: Snapshot, { columns, signal, onBytes }: CopyOptions): Promise<Copied> {
    const kept = this.#keptOf(snapshot.at.table);
    await forgetRemoved(kept, snapshot);
    const adds = [...snapshot.files];
    const copies = await inParallel(adds, parallelFiles, async ([path, add], givenUp) => {
      AbortSignal.any([signal, givenUp]).throwIfAborted();
      const copy = kept.get(path) ?? (await this.#begin(snapshot, add, columns));
      kept.set(path, copy);
      return { copy, add, missing: copy.parts.missing(columns) };
    });
    const total = copies
      .flatMap(({ missing }) => missing)
      .reduce((sum, { start, end }) => sum + end - start, 0);
    await this.#ensureSpace(total);
    let done = 0;
    const onRange = (bytes: number) => {
      done += bytes;
      onBytes?.(done, total);
    };
    await inParallel(copies, parallelFiles, async ({ copy, add, missing }, givenUp) => {
      const given = AbortSignal.any([signal, givenUp]);
      await copyRanges({ source: sourceOf(snapshot, add), copy, ranges: missing, signal: given, onRange });
      copy.parts.have(columns);
    });
    return { paths: copies.map(({ copy }) => copy.target), bytes: total };
  }

  async #begin(snapshot: Snapshot, add: Add, columns: Parts): Promise<Copy> {
    const target = join(this.#folder, `${++this.#copies}.parquet`);
    const source = sourceOf(snapshot, add);
    const parts = isEverything(columns)
      ? wholeFile(add.size)
      : await readParts(source, whereOf(snapshot, add));
    return { target, parts };
  }

  #keptOf(table: string): Map<string, Copy> {
    const kept = this.#kept.get(table) ?? new Map<string, Copy>();
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

async function forgetRemoved(kept: Map<string, Copy>, { files }: Snapshot): Promise<void> {
  for (const [path, { target }] of kept) {
    if (files.has(path)) continue;
    kept.delete(path);
    await rm(target, { force: true });
  }
}

const whereOf = ({ at, version }: Snapshot, { path }: Add): string =>
  `${describeVersion(at, version)}, file ${path}`;

function sourceOf(snapshot: Snapshot, add: Add): ByteSource {
  const { at, version } = snapshot;
  const path = dataFilePath(at, add.path, version);
  return dataFile({ store: at.store, path, where: whereOf(snapshot, add) }, add.size);
}

interface RangesCopy {
  readonly source: ByteSource;
  readonly copy: Copy;
  readonly ranges: readonly Range[];
  readonly signal: AbortSignal;
  readonly onRange: (bytes: number) => void;
}

async function copyRanges({ source, copy, ranges, signal, onRange }: RangesCopy): Promise<void> {
  if (ranges.length === 0) return;
  // This makes the file if it does not exist, and opens it for writing at any position.
  const file = await open(copy.target, 'a', 0o600).then(async (made) => {
    await made.close();
    return open(copy.target, 'r+');
  });
  try {
    await file.truncate(source.size);
    for (const { start, end } of ranges) {
      for (let at = start; at < end; at += rangeBytes) {
        signal.throwIfAborted();
        const bytes = await source.read(at, Math.min(rangeBytes, end - at));
        await file.write(bytes, 0, bytes.length, at);
        onRange(bytes.length);
      }
    }
  } finally {
    await file.close();
  }
}
