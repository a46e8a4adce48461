/** A Ctrl-C of a terminal reaches every process of a command, and npm and local/run.mjs pass it on too. Within this time it is the same. */
const sameMs = 500;

/**
 * Calls `act` at each Ctrl-C, with its number from 1 on, however often it arrives. From then on Ctrl-C alone no longer ends this process.
 * @param signals those that count as Ctrl-C
 */
export function onInterrupt(
  act: (count: number) => void,
  signals: readonly NodeJS.Signals[] = ['SIGINT'],
): void {
  let count = 0;
  let lastAt = Number.NEGATIVE_INFINITY;
  const onSignal = () => {
    if (performance.now() - lastAt < sameMs) return;
    lastAt = performance.now();
    act(++count);
  };
  for (const signal of signals) process.on(signal, onSignal);
}

/** The exit code of a command that Ctrl-C ended. */
export const interrupted = 130;

/**
 * Aborted by the first Ctrl-C, so that work ends in order; the second one ends this process at once.
 * @param ended the line to print when Ctrl-C ended the work
 */
export function untilInterrupted(ended: string): AbortSignal {
  const end = new AbortController();
  onInterrupt((count) => {
    if (count > 1) process.exit(interrupted);
    end.abort(new Error(ended));
  });
  return end.signal;
}
