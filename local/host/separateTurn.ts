import { nextTurn } from '../../src/lib/nextTurn';

let last: Promise<void> = Promise.resolve();

/** Resolves in a later turn of the event loop, for one caller in each: partitions whose batches come together take turns. */
export function separateTurn(): Promise<void> {
  last = last.then(nextTurn);
  return last;
}
