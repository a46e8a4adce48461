import { TributaryError } from '../errors';
import type { ObjectStore } from '../storage/objectStore';
import type { ByteSource } from './parquet/sourceFile';

/** How many bytes are read first from a file of unknown size. Mostly that is the whole file. */
const headBytes = 512 * 1024;

interface StoredFile {
  readonly store: ObjectStore;
  readonly path: string;
  /** The table, version and file, for error messages. */
  readonly where: string;
}

/**
 * A file whose size is known from the log, in the form that the Parquet reader wants. Nothing is read yet. A read throws `parquet.invalid`
 * if the file is gone or has another size.
 */
export function dataFile({ store, path, where }: StoredFile, size: number): ByteSource {
  return {
    size,
    async read(start, length) {
      const range = await store.getRange(path, start, length);
      if (range?.size === size) return range.bytes;
      const found = range ? `has ${range.size} bytes; the log says ${size}` : 'is gone';
      throw new TributaryError('parquet.invalid', `${where} ${found}.`);
    },
  };
}

/** A file of unknown size. The first request finds out the size, and its bytes are kept. Undefined when there is no such file. */
export async function openDataFile(file: StoredFile): Promise<ByteSource | undefined> {
  const head = await file.store.getRange(file.path, 0, headBytes);
  if (!head) return undefined;
  const rest = dataFile(file, head.size);
  return {
    size: head.size,
    async read(start, length) {
      const within = start + length <= head.bytes.length;
      return within ? head.bytes.subarray(start, start + length) : rest.read(start, length);
    },
  };
}
