import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

/*
 * How long anything blocks the event loop of a process. This module is loaded into it (`--require`) and writes the longest delay of
 * each half second into a file.
 */

const fileVariable = 'LOOP_DELAY_FILE';
const resolutionMs = 5;

/** The environment of a process that is to be watched. */
export const watchedLoop = (file: string): Record<string, string> => ({
  [fileVariable]: file,
  NODE_OPTIONS: `--require=${__filename}`,
});

/** The longest time in milliseconds since `since` (milliseconds since 1970) for which the event loop stood still; NaN if unknown. */
export function longestBlock(file: string, since: number): number {
  let longest = Number.NaN;
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  for (const line of lines) {
    const [at = 0, ms = 0] = line.split(' ').map(Number);
    if (at > since && !(ms <= longest)) longest = ms;
  }
  return longest;
}

const file = process.env[fileVariable];
if (file) {
  const delays = monitorEventLoopDelay({ resolution: resolutionMs });
  delays.enable();
  const write = () => {
    appendFileSync(file, `${Date.now()} ${Math.max(0, delays.max / 1e6 - resolutionMs).toFixed(1)}\n`);
    delays.reset();
  };
  setInterval(write, 500).unref();
}
