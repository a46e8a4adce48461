import { beforeEach, expect, it } from 'vitest';
import { SpacedRefresh } from '../../src/lib/spacedRefresh';

let nowMs: number;
let refreshes: PromiseWithResolvers<void>[];
let spaced: SpacedRefresh;
beforeEach(() => {
  nowMs = 0;
  refreshes = [];
  spaced = new SpacedRefresh({
    refresh: () => {
      const one = Promise.withResolvers<void>();
      refreshes.push(one);
      return one.promise;
    },
    everyMs: 100,
    retryMs: (error) => Number(error),
    monotonicNow: () => nowMs,
  });
});

it('refreshes once for all callers, and they wait for it', async () => {
  const done: string[] = [];
  const asked = ['one', 'two'].map((name) => spaced.run().then(() => done.push(name)));
  await Promise.resolve();
  expect(done).toEqual([]);
  expect(refreshes).toHaveLength(1);
  refreshes[0]?.resolve();
  await Promise.all(asked);
  expect(done).toEqual(['one', 'two']);
});

it('refreshes again when the time is over since the last one began', async () => {
  const asked = spaced.run();
  nowMs = 60;
  refreshes[0]?.resolve();
  await asked;
  nowMs = 99;
  await spaced.run();
  expect(refreshes).toHaveLength(1);
  nowMs = 100;
  void spaced.run();
  expect(refreshes).toHaveLength(2);
});

it('throws a failure until it is time to try again, counted from its end', async () => {
  const asked = spaced.run();
  nowMs = 150;
  refreshes[0]?.reject(30);
  await expect(asked).rejects.toBe(30);
  nowMs = 179;
  await expect(spaced.run()).rejects.toBe(30);
  expect(refreshes).toHaveLength(1);
  nowMs = 180;
  const again = spaced.run();
  refreshes[1]?.resolve();
  await again;
  await spaced.run();
  expect(refreshes).toHaveLength(2);
});
