import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { SharedRun } from '../../src/lib/sharedRun';

it('gives everybody who asks during a run its result, and starts the next run after it', async () => {
  const shared = new SharedRun<number>();
  let runs = 0;
  const ask = () =>
    shared.join(async () => {
      const run = ++runs;
      await sleep(1);
      return run;
    });

  expect(await Promise.all([ask(), ask(), ask()])).toEqual([1, 1, 1]);
  expect(shared.underWay).toBeUndefined();
  const second = ask();
  expect(shared.underWay).toBe(second);
  expect(await second).toBe(2);
});

it('gives everybody who asks during a run its error, and forgets it', async () => {
  const shared = new SharedRun<void>();
  let runs = 0;
  const ask = () =>
    shared.join(async () => {
      throw new Error(`run ${++runs}`);
    });

  const both = await Promise.allSettled([ask(), ask()]);
  expect(both.map((each) => each.status === 'rejected' && each.reason.message)).toEqual(['run 1', 'run 1']);
  await expect(ask()).rejects.toThrow('run 2');
});
