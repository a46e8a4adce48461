import { readFileSync } from 'node:fs';

/** The memory and CPU time of a process; both are NaN if the system has no /proc. */
export interface ProcessUsage {
  /** The peak of the resident memory, in MiB. */
  readonly memory: number;
  /** CPU time of all its threads, in seconds. */
  readonly cpuSeconds: number;
}

/** Linux reports CPU time in hundredths of a second, whatever tick its kernel uses inside. */
const ticksPerSecond = 100;

/** Watches a process from now on. Returns a function that tells what it has used since. */
export function watchUsage(pid: number): () => ProcessUsage {
  const cpuBefore = cpuSecondsOf(pid);
  let peak = Number.NaN;
  const sample = () => {
    const mebibytes = residentMebibytes(pid);
    if (!(mebibytes <= peak)) peak = mebibytes;
  };
  sample();
  const timer = setInterval(sample, 500);
  return () => {
    clearInterval(timer);
    return { memory: peak, cpuSeconds: cpuSecondsOf(pid) - cpuBefore };
  };
}

/** The resident memory of a process now, in MiB; NaN if the system has no /proc. */
export const residentMebibytes = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(read(pid, 'status'))?.[1]) / 1024;

function cpuSecondsOf(pid: number): number {
  // The name, in parentheses, may hold spaces. After it, the fields for user and system time are the 12th and the 13th.
  const fields = read(pid, 'stat').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
