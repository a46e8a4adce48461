// Lets one process of a folder at a time install or build there: two `npm ci` delete each other's packages, and a command could load
// a file that the compiler of another one has half written.
// This is plain JavaScript without dependencies, because it runs before anything is installed.
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { uptime } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** The file with the id of the process that installs or builds. */
const lockIn = (root) => join(root, '.preparing');

function holderOf(lock) {
  try {
    return Number(readFileSync(lock, 'utf8'));
  } catch {
    return 0;
  }
}

/** Whether a process with this id runs. It may belong to another user. */
export function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Whether the process that made the file has ended. After a restart of the machine, another process may have the same id. */
function isLeft(lock, holder) {
  const { mtimeMs } = statSync(lock, { throwIfNoEntry: false }) ?? {};
  return !isAlive(holder) || mtimeMs < Date.now() - uptime() * 1000;
}

function tryToTake(lock) {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Waits until no other process installs or builds in the folder, and says so.
 * @param check is called while it waits, and may end the process.
 * @returns a function that lets the next process begin. The end of this process does that too.
 */
export async function waitForTurn(root, check = () => {}) {
  const lock = lockIn(root);
  let told = false;
  while (!tryToTake(lock)) {
    const holder = holderOf(lock);
    // The holder is 0 while the file is about to be written or deleted.
    if (holder !== 0 && isLeft(lock, holder)) rmSync(lock, { force: true });
    else if (holder !== 0 && !told) {
      console.error(
        `Process ${holder} installs or builds in this folder: waiting for it… If that is another program, delete the file ${lock}.`,
      );
      told = true;
    }
    await sleep(200);
    check();
  }
  const release = () => {
    if (existsSync(lock) && holderOf(lock) === process.pid) rmSync(lock, { force: true });
  };
  process.on('exit', release);
  return () => {
    process.off('exit', release);
    release();
  };
}
