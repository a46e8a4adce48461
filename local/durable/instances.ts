import { inParallel } from '../../src/lib/inParallel';
import { oncePerKey } from '../../src/lib/once';
import { type Instance, isOpen } from './instance';
import type { Stored, TaskHub } from './taskHub';

/** Makes the next state of an instance from the stored one; undefined leaves it as it is. May be called again after a conflict. */
export type Change = (instance: Instance) => Instance | undefined | Promise<Instance | undefined>;

/** After this many conflicts in a row, something else must be wrong. */
const mostConflicts = 100;

/** The open instances, with the newest state that this host knows. Changes of one instance are made one after the other. */
export class Instances {
  readonly #hub: TaskHub;
  readonly #known = new Map<string, Stored>();
  #isTracking = false;
  readonly #queues = oncePerKey<string, { last: Promise<unknown> }>(() => ({ last: Promise.resolve() }));

  constructor(hub: TaskHub) {
    this.#hub = hub;
  }

  /** The open instances, as far as this host knows. */
  get open(): Stored[] {
    return [...this.#known.values()];
  }

  /** Reads the open instances that were changed since the last time. From the first time on, they are remembered. */
  async refresh(): Promise<void> {
    this.#isTracking = true;
    const open = new Map(
      (await this.#hub.list()).filter(({ isOpen }) => isOpen).map(({ id, etag }) => [id, etag]),
    );
    await inParallel(new Set([...this.#known.keys(), ...open.keys()]), 8, async (id) => {
      if (this.#known.get(id)?.etag === open.get(id)) return;
      // A change that this host is making may be newer than the listing.
      await this.#inTurn(id, async () => {
        if (this.#known.get(id)?.etag !== open.get(id)) await this.#read(id);
      });
    });
  }

  /**
   * Changes an instance. After a conflict with another host, it begins again from the newest state. Returns the state that is stored
   * afterwards; undefined if there is no such instance. If something was written, `changed` is called before any other change is made.
   */
  change(id: string, change: Change, changed?: (instance: Instance) => void): Promise<Instance | undefined> {
    return this.#inTurn(id, async () => {
      let stored = this.#known.get(id) ?? (await this.#read(id));
      for (let attempt = 0; stored && attempt < mostConflicts; attempt++) {
        const next = await change(stored.instance);
        if (!next) return stored.instance;
        const written = await this.#hub.write(next, stored);
        if (written) {
          this.#keep(written);
          changed?.(next);
          return next;
        }
        stored = await this.#read(id);
      }
      if (stored) throw new Error(`The orchestration ${id} was changed by others all the time.`);
      return undefined;
    });
  }

  /** Stores a new instance. Returns false if there is one that is not finished. */
  create(instance: Instance, mayReplace: (old: Instance) => boolean): Promise<boolean> {
    return this.#inTurn(instance.id, async () => {
      for (let attempt = 0; attempt < mostConflicts; attempt++) {
        const old = await this.#read(instance.id);
        // It has been stored by an earlier try whose reply was lost.
        if (old?.instance.execution === instance.execution) return true;
        if (old && !mayReplace(old.instance)) return false;
        const written = await this.#hub.write(instance, old);
        if (!written) continue;
        this.#keep(written);
        return true;
      }
      throw new Error(`The orchestration ${instance.id} was changed by others all the time.`);
    });
  }

  async #read(id: string): Promise<Stored | undefined> {
    const stored = await this.#hub.read(id);
    if (stored) this.#keep(stored);
    else this.#known.delete(id);
    return stored;
  }

  #keep(stored: Stored): void {
    const { id } = stored.instance;
    if (isOpen(stored.instance) && this.#isTracking) this.#known.set(id, stored);
    else this.#known.delete(id);
  }

  #inTurn<T>(id: string, work: () => Promise<T>): Promise<T> {
    const queue = this.#queues(id);
    const result = queue.last.then(work);
    const last = result
      .catch(() => undefined)
      .then(() => {
        if (queue.last === last) this.#queues.forget(id);
      });
    queue.last = last;
    return result;
  }
}
