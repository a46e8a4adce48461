import { describe, expect, test } from 'vitest';
import { readRetryPolicy, runWithRetry } from '../../../local/host/retryPolicy';

const read = (options: Parameters<typeof readRetryPolicy>[0]) => readRetryPolicy(options, 'ingest');

describe('a retry policy', () => {
  test('exponential backoff doubles from the minimum to the maximum', () => {
    const policy = read({
      retryStrategy: 'exponentialBackoff',
      maxRetryCount: -1,
      minimumInterval: { seconds: 1 },
      maximumInterval: { seconds: 10 },
    });
    expect([0, 1, 2, 3, 4, 5_000].map((retry) => policy?.delayMs(retry))).toEqual([
      1_000, 2_000, 4_000, 8_000, 10_000, 10_000,
    ]);
  });

  test.each([
    [{ retryStrategy: 'fixedDelay', delayInterval: { seconds: 1 } }, 'maxRetryCount'],
    [{ retryStrategy: 'fixedDelay', maxRetryCount: 1 }, 'delayInterval'],
    [{ retryStrategy: 'sometimes', maxRetryCount: 1 }, 'strategy'],
    [
      {
        retryStrategy: 'exponentialBackoff',
        maxRetryCount: 1,
        minimumInterval: { seconds: 2 },
        maximumInterval: { seconds: 1 },
      },
      'maximumInterval',
    ],
  ])('%j is refused', (options, message) => {
    expect(() => read(options)).toThrow(message);
  });

  test('without a policy there is one attempt, which sees no retry context', async () => {
    const seen: unknown[] = [];
    const run = { policy: undefined, signal: new AbortController().signal };
    const attempt = async (context: unknown) => {
      seen.push(context);
      throw new Error('no');
    };
    expect(await runWithRetry({ ...run, attempt })).toBe('failed');
    expect(seen).toEqual([undefined]);
  });

  test('gives up when it may not retry any more', async () => {
    const policy = read({ retryStrategy: 'fixedDelay', maxRetryCount: -1, delayInterval: { seconds: 0 } });
    let attempts = 0;
    const outcome = await runWithRetry({
      policy,
      signal: new AbortController().signal,
      attempt: async () => {
        attempts += 1;
        throw new Error('no');
      },
      mayRetry: async () => attempts < 3,
    });
    expect([outcome, attempts]).toEqual(['given-up', 3]);
  });
});
