import { createWriteStream, type WriteStream } from 'node:fs';
import { reasonOf } from '../src/cli/givenFile';

/** Opens a log to append to. If it cannot be written, as on a full disk, that is told, and the rest is written nowhere. */
export function openLog(file: string): WriteStream {
  const log = createWriteStream(file, { flags: 'a' });
  log.on('error', (error) => console.error(`${file} cannot be written: ${reasonOf(error)}.`));
  return log;
}
