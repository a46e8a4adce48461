import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Reads a growing number until it reaches the wanted one or stops changing. Returns the last number; -1 if it was never known.
 */
export async function settle(options: {
  /** Reads the number. Throws if it is unknown at the moment. */
  readonly read: () => Promise<number>;
  readonly wanted: number;
  /** If the number stays the same for this long, it is final. */
  readonly stuckMs: number;
}): Promise<number> {
  const { read, wanted, stuckMs } = options;
  let last = { value: -1, at: Date.now() };
  for (;;) {
    const value = await read().catch(() => last.value);
    if (value >= wanted) return value;
    if (value !== last.value) last = { value, at: Date.now() };
    if (Date.now() - last.at > stuckMs) return value;
    await sleep(100);
  }
}
