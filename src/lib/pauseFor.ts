import { setTimeout as sleep } from 'node:timers/promises';

/** Waits this many milliseconds, or until the signal is aborted. Never rejects. */
export const pauseFor = (ms: number, signal: AbortSignal | undefined): Promise<void> =>
  sleep(ms, undefined, { signal }).catch(() => undefined);
