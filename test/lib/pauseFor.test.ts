import { performance } from 'node:perf_hooks';
import { expect, it } from 'vitest';
import { pauseFor } from '../../src/lib/pauseFor';

async function lasted(pause: Promise<void>): Promise<number> {
  const begun = performance.now();
  await pause;
  return performance.now() - begun;
}

it('waits for the time', async () => {
  expect(await lasted(pauseFor(50, undefined))).toBeGreaterThan(45);
  expect(await lasted(pauseFor(50, new AbortController().signal))).toBeGreaterThan(45);
});

it('ends without an error when the signal is aborted, at once if it was aborted before', async () => {
  const stop = new AbortController();
  const pause = lasted(pauseFor(60_000, stop.signal));
  stop.abort(new Error('stopped'));
  expect(await pause).toBeLessThan(5000);
  expect(await lasted(pauseFor(60_000, stop.signal))).toBeLessThan(5000);
});
