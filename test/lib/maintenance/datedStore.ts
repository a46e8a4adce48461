import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import type { ObjectInfo, StoredObject } from '../../../src/lib/storage/objectStore';

/** A store whose objects can be made to look older than they are. */
export class DatedStore extends MemoryStore {
  readonly #dates = new Map<string, Date>();

  date(path: string, milliseconds: number): void {
    this.#dates.set(path, new Date(milliseconds));
  }

  override async get(path: string): Promise<StoredObject | undefined> {
    const found = await super.get(path);
    return found && { ...found, lastModified: this.#dates.get(path) ?? found.lastModified };
  }

  override async *list(prefix: string): AsyncIterable<ObjectInfo> {
    for await (const object of super.list(prefix)) {
      yield { ...object, lastModified: this.#dates.get(object.path) ?? object.lastModified };
    }
  }
}

/** The place of a table in such a store. */
export function placeInDatedStore() {
  const store = new DatedStore();
  return { store, at: { store, table: 'events' } };
}
