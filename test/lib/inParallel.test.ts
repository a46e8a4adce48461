import { setImmediate, setTimeout } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { inParallel } from '../../src/lib/inParallel';

it('gives the results in the order of the items, whichever work ends first', async () => {
  const results = await inParallel([30, 10, 20, 0], 3, async (ms) => {
    await setTimeout(ms);
    return ms * 2;
  });

  expect(results).toEqual([60, 20, 40, 0]);
});

it('has no more work under way than the limit, and as much as it allows', async () => {
  let underWay = 0;
  let most = 0;
  await inParallel(
    Array.from({ length: 10 }, (_, index) => index),
    3,
    async () => {
      most = Math.max(most, ++underWay);
      await setImmediate();
      underWay--;
    },
  );

  expect(most).toBe(3);
});

it('begins with an item as soon as one place is free, not when all of them are', async () => {
  const begun: number[] = [];
  let release = () => {};
  const slow = new Promise<void>((resolve) => {
    release = resolve;
  });
  const all = inParallel([0, 1, 2, 3], 2, async (item) => {
    begun.push(item);
    if (item === 0) await slow;
  });
  await setImmediate();
  expect(begun).toEqual([0, 1, 2, 3]);
  release();
  await all;
});

it('takes an item from a generator only when work on it begins', async () => {
  let taken = 0;
  function* items() {
    for (;;) yield taken++;
  }
  const work = inParallel(items(), 2, async (item) => {
    await setImmediate();
    if (item === 4) throw new Error('four');
  });

  await expect(work).rejects.toThrow('four');
  expect(taken).toBeLessThanOrEqual(7);
});

it('begins nothing after the first failure, and throws that when all that was under way has ended', async () => {
  const begun: number[] = [];
  const ended: number[] = [];
  const work = inParallel([0, 1, 2, 3, 4], 3, async (item, givenUp) => {
    begun.push(item);
    if (item === 1) throw new Error('first');
    await setTimeout(20);
    ended.push(item);
    expect(givenUp.aborted).toBe(true);
    throw new Error(`later ${item}`);
  });

  await expect(work).rejects.toThrow('first');
  expect(begun).toEqual([0, 1, 2]);
  expect(ended).toEqual([0, 2]);
});

it('treats a generator that fails like work that fails', async () => {
  const ended: number[] = [];
  function* items() {
    yield 0;
    throw new Error('no more items');
  }
  const work = inParallel(items(), 2, async (item) => {
    await setTimeout(10);
    ended.push(item);
  });

  await expect(work).rejects.toThrow('no more items');
  expect(ended).toEqual([0]);
});

it('gives nothing for no items', async () => {
  expect(await inParallel([], 4, async () => 1)).toEqual([]);
});
