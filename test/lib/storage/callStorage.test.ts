import { AggregateAuthenticationError, CredentialUnavailableError } from '@azure/identity';
import { expect, it, onTestFinished, vi } from 'vitest';
import { describeHubError } from '../../../src/lib/sources/hubErrors';
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

it('refuses at once if there is no identity, and says so', async () => {
  const none = new AggregateAuthenticationError([new CredentialUnavailableError('no az')], 'chain');
  let calls = 0;
  const fail = (error: Error) => () => {
    calls++;
    return Promise.reject(error);
  };
  await expect(callStorage('get x', fail(none))).rejects.toMatchObject({
    code: 'storage.refused',
    message: expect.stringMatching(/^get x: no Microsoft Entra identity was found: .*az login/),
  });
  expect(calls).toBe(1);
  expect(describeHubError(none)).toMatchObject({
    code: 'hub.refused',
    why: expect.stringContaining('no Microsoft Entra identity was found'),
  });
});
