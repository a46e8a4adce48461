import { expect, it } from 'vitest';
import { TributaryError } from '../../../src/lib/errors';
import { Recent } from '../../../src/lib/health/recent';

const limits = { ageMs: 3000, limitMs: 50, lateCode: 'hub.unavailable' } as const;

it('asks once in its time, however many want to know', async () => {
  let asked = 0;
  let now = 0;
  const recent = new Recent({ ask: async () => ++asked, ...limits, monotonicNow: () => now });
  await Promise.all(Array.from({ length: 50 }, () => recent.read()));
  now = 2999;
  expect(await recent.read()).toEqual({ value: 1 });
  now = 3000;
  expect(await recent.read()).toEqual({ value: 2 });
});

it('gives the code of an error for as long as an answer', async () => {
  let asked = 0;
  let now = 0;
  const ask = async () => {
    asked++;
    if (asked > 1) return 'better';
    throw new TributaryError('storage.refused', 'No.');
  };
  const recent = new Recent({ ask, ...limits, monotonicNow: () => now });
  expect(await recent.read()).toEqual({ error: 'storage.refused', forMs: 0 });
  now = 2999;
  expect(await recent.read()).toEqual({ error: 'storage.refused', forMs: 2999 });
  now = 3000;
  expect(await recent.read()).toEqual({ value: 'better' });
});

it('does not wait longer than its limit, and says with its code that there was no answer', async () => {
  const recent = new Recent({ ask: () => new Promise(() => {}), ...limits });
  expect(await recent.read()).toMatchObject({ error: 'hub.unavailable' });
});
