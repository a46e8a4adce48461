import { expect, it, onTestFinished, vi } from 'vitest';
import { callStorage } from '../../../src/lib/storage/callStorage';

it('gives a call up after ten seconds that does not heed its signal, and makes it again', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  let calls = 0;
  // Like a token that is fetched first, from an endpoint that never answers.
  const answer = callStorage('get x', () =>
    ++calls === 1 ? new Promise<string>(() => {}) : Promise.resolve('there'),
  );
  await vi.advanceTimersByTimeAsync(9_999);
  expect(calls).toBe(1);
  await vi.advanceTimersByTimeAsync(1000);
  expect([await answer, calls]).toEqual(['there', 2]);
});
