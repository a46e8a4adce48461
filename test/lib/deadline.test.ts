import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { DeadlineError, orAborted, within } from '../../src/lib/deadline';

const never = () => new Promise<never>(() => {});

describe('within', () => {
  it('returns the result of work that ends in time', async () => {
    expect(await within(5_000, async () => 'answer')).toBe('answer');
    await expect(within(5_000, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  });

  it('gives work up at its limit, whether it heeds its signal or not', async () => {
    await expect(within(20, (signal) => sleep(60_000, undefined, { signal }))).rejects.toThrow(
      new DeadlineError(20),
    );
    await expect(within(20, never)).rejects.toThrow('No answer in 0.02 s.');
  });

  it('returns the value or throws the error for late work', async () => {
    expect(await within(20, never, () => 'late')).toBe('late');
    const late = () => {
      throw new Error('too late');
    };
    await expect(within(20, never, late)).rejects.toThrow('too late');
  });

  it('does not take an error of the work for lateness', async () => {
    const work = () => Promise.reject(new DOMException('aborted by somebody else', 'AbortError'));
    await expect(within(5_000, work, () => 'late')).rejects.toThrow('aborted by somebody else');
  });

  it('does not abort the signal of work that was done in time', async () => {
    let seen: AbortSignal | undefined;
    await within(20, async (signal) => {
      seen = signal;
    });
    await sleep(40);
    expect(seen?.aborted).toBe(false);
  });
});

describe('orAborted', () => {
  it('rejects with the reason as soon as the signal is aborted, or at once if it already was', async () => {
    const reason = new Error('over');
    await expect(orAborted(never(), AbortSignal.abort(reason))).rejects.toBe(reason);
    const ended = new AbortController();
    const waiting = orAborted(never(), ended.signal);
    ended.abort(reason);
    await expect(waiting).rejects.toBe(reason);
  });
});
