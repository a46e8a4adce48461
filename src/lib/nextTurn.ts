/**
 * Lets all other work of the process go on: what has arrived, and timers that are due. A long computation awaits it between two pieces
 * of a few milliseconds, because the process renews its partitions, answers requests and takes events in the same thread.
 */
export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * The number of rows after which a computation that goes from row to row awaits `nextTurn`. A row group of another writer may have
 * millions.
 */
export const rowsPerTurn = 8192;
