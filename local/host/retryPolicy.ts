import { setTimeout as sleep } from 'node:timers/promises';
import type { RpcRetryOptions } from './functionsCore';

/** How to retry after a failure. `maxRetryCount` -1 means without limit. */
export interface RetryPolicy {
  maxRetryCount: number;
  /** The wait before a retry, in milliseconds. The first retry has the number 0. */
  delayMs(retry: number): number;
}

export interface RetryContext {
  retryCount: number;
  maxRetryCount: number;
  exception?: Record<string, string>;
}

/**
 * Reads the retry policy of a function. The programming model has already rounded all intervals to whole seconds. Throws if the
 * host does not know the policy, or its intervals are missing.
 */
export function readRetryPolicy(options: RpcRetryOptions | undefined, name: string): RetryPolicy | undefined {
  if (!options) return undefined;
  const { maxRetryCount } = options;
  if (maxRetryCount === undefined || !Number.isInteger(maxRetryCount) || maxRetryCount < -1) {
    throw new Error(`${name}: retry.maxRetryCount must be a whole number, or -1 for no limit.`);
  }
  if (options.retryStrategy === 'fixedDelay') {
    const fixed = seconds(options.delayInterval, `${name}: retry.delayInterval`);
    return { maxRetryCount, delayMs: () => fixed };
  }
  if (options.retryStrategy === 'exponentialBackoff') {
    const minimum = seconds(options.minimumInterval, `${name}: retry.minimumInterval`);
    const maximum = seconds(options.maximumInterval, `${name}: retry.maximumInterval`);
    if (maximum < minimum) throw new Error(`${name}: retry.maximumInterval is below minimumInterval.`);
    return { maxRetryCount, delayMs: (retry) => Math.min(maximum, minimum * 2 ** Math.min(retry, 40)) };
  }
  throw new Error(`${name}: retry.strategy must be "fixedDelay" or "exponentialBackoff".`);
}

export interface RetryRun {
  policy: RetryPolicy | undefined;
  /** Makes one attempt. The context is undefined if there is no policy. */
  attempt(context: RetryContext | undefined): Promise<unknown>;
  /** Called after each failed attempt. */
  onFailure?(error: unknown): void;
  /** Called before each retry. False means to give up. */
  mayRetry?(): Promise<boolean>;
  /** Ends the waiting between attempts. */
  signal: AbortSignal;
}

/**
 * Runs attempts until one succeeds or the policy allows no more, and returns how it ended. `given-up` means that the waiting was
 * aborted or `mayRetry` returned false: the work is not done, and another host has to do it.
 */
export async function runWithRetry(run: RetryRun): Promise<'succeeded' | 'failed' | 'given-up'> {
  const { policy } = run;
  let exception: Record<string, string> | undefined;
  for (let retryCount = 0; ; retryCount++) {
    try {
      const context = policy && {
        retryCount,
        maxRetryCount: policy.maxRetryCount,
        ...(exception && { exception }),
      };
      await run.attempt(context);
      return 'succeeded';
    } catch (error) {
      run.onFailure?.(error);
      exception = toRpcException(error);
    }
    if (!policy || (policy.maxRetryCount !== -1 && retryCount >= policy.maxRetryCount)) return 'failed';
    try {
      await sleep(policy.delayMs(retryCount), undefined, { signal: run.signal });
    } catch {
      return 'given-up';
    }
    if (run.signal.aborted || (run.mayRetry && !(await run.mayRetry()))) return 'given-up';
  }
}

function toRpcException(error: unknown): Record<string, string> {
  if (!(error instanceof Error)) return { message: String(error) };
  return { message: error.message, source: error.name, stackTrace: error.stack ?? '' };
}

function seconds(interval: { seconds?: number } | undefined, where: string): number {
  if (interval?.seconds === undefined) throw new Error(`${where} is missing.`);
  return interval.seconds * 1000;
}
