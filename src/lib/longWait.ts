/*
 * Tells whom a command waits for. A command should not be silent while somebody does not answer, so code that asks others reports its waits
 * here. The app has no listener: there, each request of a batch or of a user has its own deadline, and its failure is logged.
 */

/** A wait is reported after the first of these times. The second is the shortest time between two reports. Both are in milliseconds. */
const [longMs, apartMs] = [5000, 10_000] as const;
/** After this time, in milliseconds, the same wait is reported again, so that nobody believes that the process hangs. */
const againMs = 30_000;

let tell: ((place: string) => void) | undefined;
/** When the wait for each place was last reported. A request that is tried again waits for the same place, and counts as the same wait. */
const toldPlaces = new Map<string, number>();

/** From now on, this listener is called with the place that this process waits for, if the wait takes long. Undefined ends that. */
export function onLongWait(listener: ((place: string) => void) | undefined): void {
  let lastAt = Number.NEGATIVE_INFINITY;
  toldPlaces.clear();
  tell =
    listener &&
    ((place) => {
      const now = performance.now();
      const toldAt = toldPlaces.get(place) ?? Number.NEGATIVE_INFINITY;
      if (now - toldAt < againMs || now - lastAt < apartMs) return;
      lastAt = now;
      toldPlaces.set(place, now);
      listener(place);
    });
}

/**
 * Returns the result of `work`, and reports the wait if it takes long.
 * @param place whom it waits for, in words; it must contain no secret
 */
export async function waitFor<T>(place: string, work: Promise<T>): Promise<T> {
  if (!tell) return work;
  const timer = setInterval(() => tell?.(place), longMs);
  try {
    const result = await work;
    toldPlaces.delete(place);
    return result;
  } finally {
    clearInterval(timer);
  }
}
