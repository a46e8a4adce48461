import { readFileSync } from 'node:fs';
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

/** Why a file cannot be read or written, as the end of a sentence. */
export const reasonOf = (error: unknown): string =>
  reasons[(error as NodeJS.ErrnoException).code ?? ''] ?? String(error);
