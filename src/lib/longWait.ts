/*
 * A command should not be silent while somebody else does not answer. What asks others says here for whom it waits. The app has no
 * listener: there, each request of a batch or of a user has its own deadline, and its failure is logged.
 */

/** After how many milliseconds a wait is told, and the least time between two that are told. */
const [longMs, apartMs] = [5000, 10_000] as const;
/** After how long the same wait is told again, so that nobody takes the process for dead. */
const againMs = 30_000;

let tell: ((place: string) => void) | undefined;
/** When the wait for each place was last told. A request that is tried again waits for the same place, and counts as the same wait. */
const toldPlaces = new Map<string, number>();

/** From now on, this listener is told for whom this process waits, once that takes long; undefined ends it. */
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
 * Returns the result of `work`.
 * @param place for whom it waits, for people; no secret
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
