import { appendFileSync, existsSync, readFileSync } from 'node:fs';

/*
 * Measures for how long anything blocks the event loop of a process. This module is loaded into the process (`--require`) and writes the
 * longest delays of each half second into a file.
 */

const fileVariable = 'LOOP_DELAY_FILE';
const resolutionMs = 10;

/** The environment of a process that is to be watched. */
export const watchedLoop = (file: string): Record<string, string> => ({
  [fileVariable]: file,
  NODE_OPTIONS: `--require=${__filename}`,
});

/** The longest times, in milliseconds, during which the event loop handled no timer; NaN if unknown. */
export interface Blocked {
  /** Measured by the clock. On a busy machine, much of it is the time of other processes. */
  readonly ms: number;
  /** Measured by the CPU time of the event loop's thread only. */
  readonly cpuMs: number;
}

/** The longest blocks since `since` (milliseconds since 1970). */
export function longestBlock(file: string, since: number): Blocked {
  const longest = { ms: Number.NaN, cpuMs: Number.NaN };
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  for (const line of lines) {
    const [at = 0, ms = 0, cpuMs = 0] = line.split(' ').map(Number);
    if (at <= since) continue;
    if (!(ms <= longest.ms)) longest.ms = ms;
    if (!(cpuMs <= longest.cpuMs)) longest.cpuMs = cpuMs;
  }
  return longest;
}

const file = process.env[fileVariable];
if (file) watchLoop(file);

function watchLoop(file: string): void {
  const cpu = () => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1000;
  };
  let last = performance.now();
  let lastCpu = cpu();
  let [ms, cpuMs] = [0, 0];
  const look = () => {
    const [now, nowCpu] = [performance.now(), cpu()];
    ms = Math.max(ms, now - last - resolutionMs);
    // The thread cannot have been busy for longer than this timer was late.
    cpuMs = Math.max(cpuMs, Math.min(nowCpu - lastCpu, now - last - resolutionMs));
    [last, lastCpu] = [now, nowCpu];
  };
  const write = () => {
    appendFileSync(file, `${Date.now()} ${ms.toFixed(1)} ${cpuMs.toFixed(1)}\n`);
    [ms, cpuMs] = [0, 0];
  };
  setInterval(look, resolutionMs).unref();
  setInterval(write, 500).unref();
}
