import { setTimeout as sleep } from 'node:timers/promises';
import { type BackoffSteps, backoffMs } from '../backoff';
import type { TablePosition } from '../delta/position';

/** After this many overtaken loads from the same position, no further one is tried. */
const mostFromOnePosition = 5;
const defaultBackoff: BackoffSteps = { firstMs: 200, mostMs: 5000 };

/**
 * Counts the loads of a table that other processes overtook, and makes pauses between them. So processes do not read the same rows again
 * and again only to be overtaken.
 */
export class Overtaken {
  readonly #signal: AbortSignal;
  readonly #backoff: BackoffSteps;
  #inRow = 0;
  #fromHere = 0;
  #from: TablePosition | undefined;

  /** @param backoff the wait before a third load, after two that were overtaken; by default from 0.2 to 5 s */
  constructor(signal: AbortSignal, backoff = defaultBackoff) {
    this.#signal = signal;
    this.#backoff = backoff;
  }

  /** Call this after a load that was not overtaken. */
  reset(): void {
    this.#inRow = 0;
    this.#from = undefined;
  }

  /**
   * Waits until the ledger may be asked again. There is no wait after the first load that was overtaken. Returns false if the ledger has
   * had the same position again and again, so that another load from there makes no sense.
   */
  async mayGoOn(from: TablePosition): Promise<boolean> {
    const isSame = from.tableId === this.#from?.tableId && from.version === this.#from.version;
    this.#fromHere = isSame ? this.#fromHere + 1 : 1;
    this.#from = from;
    if (this.#fromHere >= mostFromOnePosition) return false;
    if (++this.#inRow > 1)
      await sleep(backoffMs(this.#inRow - 1, this.#backoff), undefined, { signal: this.#signal }).catch(
        () => {},
      );
    return true;
  }
}
