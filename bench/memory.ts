import { readFileSync } from 'node:fs';

/** Samples a process's resident memory; the result gives the peak in MiB. */
export function watchMemory(pid: number): () => number {
  let peak = Number.NaN;
  const sample = () => {
    try {
      const kib = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
      peak = Math.max(Number.isNaN(peak) ? 0 : peak, kib / 1024);
    } catch {
      // Only Linux provides this file.
    }
  };
  sample();
  const timer = setInterval(sample, 500);
  return () => {
    clearInterval(timer);
    return peak;
  };
}
