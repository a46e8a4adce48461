import { nextTurn } from '../../src/lib/nextTurn';

let last: Promise<void> = Promise.resolve();

/**
 * Resolves in a later turn of the event loop. In each turn it resolves for only one caller, so that partitions whose batches come together
 * take turns.
 */
export function separateTurn(): Promise<void> {
  last = last.then(nextTurn);
  return last;
}
