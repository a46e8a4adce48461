import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import type { ObjectInfo } from '../../../src/lib/storage/objectStore';

/** A store whose objects can be made to look older than they are. */
export class DatedStore extends MemoryStore {
  readonly #dates = new Map<string, Date>();

  date(path: string, milliseconds: number): void {
    this.#dates.set(path, new Date(milliseconds));
  }

  override async *list(prefix: string): AsyncIterable<ObjectInfo> {
    for await (const object of super.list(prefix)) {
      yield { ...object, lastModified: this.#dates.get(object.path) ?? object.lastModified };
    }
  }
}
