import { expect, it } from 'vitest';
import { callStorage } from '../../../src/lib/storage/callStorage';

it('gives a call up after ten seconds that does not heed its signal, and makes it again', {
  timeout: 30_000,
}, async () => {
  const started = Date.now();
  let calls = 0;
  // Like a token that is fetched first, from an endpoint that never answers.
  const answer = await callStorage('get x', () =>
    ++calls === 1 ? new Promise<string>(() => {}) : Promise.resolve('there'),
  );
  expect([answer, calls]).toEqual(['there', 2]);
  expect(Date.now() - started).toBeGreaterThan(9_900);
});
