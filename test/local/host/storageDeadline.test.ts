import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { within } from '../../../local/host/storageDeadline';

test('a call that is answered in time comes to its answer, or to its error', async () => {
  expect(await within(async () => 'answer', 5_000)).toBe('answer');
  await expect(within(() => Promise.reject(new Error('no')), 5_000)).rejects.toThrow('no');
});

test('a call is given up at its limit, whether it heeds its signal or not', async () => {
  const message = 'The storage did not answer in 0.05 s.';
  await expect(within((signal) => delay(60_000, undefined, { signal }), 50)).rejects.toThrow(message);
  await expect(within(() => new Promise(() => {}), 50)).rejects.toThrow(message);
});
