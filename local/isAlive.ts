/**
 * Whether a process with this id runs. It must belong to the same user. local/oneAtATime.mjs has a function of its own, because it runs
 * before anything is compiled.
 */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
