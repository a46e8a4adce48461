export interface BackoffSteps {
  /** About how long to wait after the first failure, in milliseconds. It doubles with each further failure. */
  readonly firstMs: number;
  /** What it grows to. Left out where the tries end before the wait is long. */
  readonly mostMs?: number;
}

/**
 * How long to wait before the next try, in milliseconds. The time is spread at random, so that processes which failed together do not
 * try again together.
 * @param failures how many tries have failed; at least 1
 */
export const backoffMs = (
  failures: number,
  { firstMs, mostMs = Number.POSITIVE_INFINITY }: BackoffSteps,
): number => Math.min(mostMs, firstMs * 2 ** (failures - 1)) * (0.5 + Math.random());
