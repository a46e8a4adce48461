import { createWriteStream, type WriteStream } from 'node:fs';
import { reasonOf } from '../src/cli/givenFile';

/** Opens a log for appending. If it cannot be written, as on a full disk, a message says so, and further lines are dropped. */
export function openLog(file: string): WriteStream {
  const log = createWriteStream(file, { flags: 'a' });
  log.on('error', (error) => console.error(`${file} cannot be written: ${reasonOf(error)}.`));
  return log;
}
