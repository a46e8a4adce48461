import { setTimeout as sleep } from 'node:timers/promises';

/** Reads a number that only grows until it reaches the wanted one, or does not change any more. Returns what it is then; -1 when it was never told. */
export async function settle(options: {
  /** Throws while that cannot be told. */
  readonly read: () => Promise<number>;
  readonly wanted: number;
  /** How long it may stay the same before it is taken for final. */
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
