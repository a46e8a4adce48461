/**
 * One Ctrl-C can arrive several times: the terminal sends it to every process of a command, and npm and local/run.mjs pass it on as well.
 * Signals that are less than this time apart count as one.
 */
const sameMs = 500;

/**
 * Calls `act` at each Ctrl-C, with 1, 2 and so on. A Ctrl-C that reaches the process several times counts once. From then on Ctrl-C alone
 * does not end this process.
 * @param signals those that count as Ctrl-C
 * @returns a function that gives Ctrl-C its former effect back
 */
export function onInterrupt(
  act: (count: number) => void,
  signals: readonly NodeJS.Signals[] = ['SIGINT'],
): () => void {
  let count = 0;
  let lastAt = Number.NEGATIVE_INFINITY;
  const onSignal = () => {
    if (performance.now() - lastAt < sameMs) return;
    lastAt = performance.now();
    act(++count);
  };
  for (const signal of signals) process.on(signal, onSignal);
  return () => {
    for (const signal of signals) process.off(signal, onSignal);
  };
}

/** The exit code of a command that Ctrl-C ended. */
export const interrupted = 130;

/**
 * Does work whose signal the first Ctrl-C aborts, so that it ends in order; the second one ends this process at once.
 * @param ended the line to print when Ctrl-C ended the work
 */
export async function untilInterrupted<T>(
  ended: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const end = new AbortController();
  const forget = onInterrupt((count) => {
    if (count > 1) process.exit(interrupted);
    end.abort(new Error(ended));
  });
  try {
    return await work(end.signal);
  } finally {
    forget();
  }
}

/**
 * Resolves at the first Ctrl-C or SIGTERM, after which a server closes in order. The second one ends this process at once, if closing takes
 * too long.
 */
export async function untilAskedToEnd(): Promise<void> {
  await new Promise<void>((end) => {
    onInterrupt(
      (count) => {
        if (count > 1) process.exit(interrupted);
        end();
      },
      ['SIGINT', 'SIGTERM'],
    );
  });
}
