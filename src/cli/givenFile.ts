import { readFileSync, statSync } from 'node:fs';
import { UsageError } from './commandLine/command';

/** Reads a file that was named in a command. Throws a UsageError that says why it cannot be read. */
export function readGivenFile(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${reasonOf(error)}.`);
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EISDIR: 'it is a folder',
  EEXIST: 'there is something of this name already',
  EACCES: 'access is denied',
  EROFS: 'it can only be read',
  ENOSPC: 'no space is left on the disk',
  EBUSY: 'it is in use',
  ENOTDIR: 'a part of its path is a file and no folder',
};

/** Reads a file as above, but refuses what may never end, such as a device or a pipe. */
export function readRegularFile(file: string): Buffer {
  if (mayNeverEnd(file))
    throw new UsageError(`${file} cannot be read: it is a device or a pipe. Save what it gives in a file.`);
  return readGivenFile(file);
}

function mayNeverEnd(file: string): boolean {
  try {
    const found = statSync(file);
    return !found.isFile() && !found.isDirectory();
  } catch {
    // Reading it says why.
    return false;
  }
}

/** Why a file cannot be read or written, as the end of a sentence. */
export const reasonOf = (error: unknown): string =>
  reasons[(error as NodeJS.ErrnoException).code ?? ''] ?? String(error);
