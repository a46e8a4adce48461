import type { ObjectInfo, ObjectRange, ObjectStore, PutOutcome, StoredObject } from './objectStore';

/** An ObjectStore in this process's memory: for tests, and for benches that must not measure a disk. */
export class MemoryStore implements ObjectStore {
  readonly name: string;
  readonly #objects = new Map<string, StoredObject>();
  readonly #now: () => number;
  #etags = 0;

  /** @param now the store's clock, in milliseconds since 1970 */
  constructor(name = 'memory', now: () => number = Date.now) {
    this.name = name;
    this.#now = now;
  }

  async get(path: string): Promise<StoredObject | undefined> {
    return this.#objects.get(path);
  }

  async getRange(path: string, start: number, length: number): Promise<ObjectRange | undefined> {
    const object = this.#objects.get(path);
    if (!object) return undefined;
    const size = object.bytes.length;
    const from = start < 0 ? Math.max(0, size + start) : start;
    return { bytes: object.bytes.subarray(from, from + length), size };
  }

  async put(path: string, bytes: Uint8Array): Promise<{ etag: string }> {
    return { etag: this.#store(path, bytes) };
  }

  async putIfAbsent(path: string, bytes: Uint8Array): Promise<PutOutcome> {
    if (this.#objects.has(path)) return { outcome: 'exists' };
    return { outcome: 'written', etag: this.#store(path, bytes) };
  }

  async putIfMatch(path: string, bytes: Uint8Array, etag: string): Promise<PutOutcome> {
    if (this.#objects.get(path)?.etag !== etag) return { outcome: 'mismatch' };
    return { outcome: 'written', etag: this.#store(path, bytes) };
  }

  async *list(prefix: string): AsyncIterable<ObjectInfo> {
    const paths = [...this.#objects.keys()].filter((path) => path.startsWith(prefix));
    for (const path of paths.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))) {
      const object = this.#objects.get(path);
      if (object) yield { path, size: object.bytes.length, lastModified: object.lastModified };
    }
  }

  async delete(path: string): Promise<boolean> {
    return this.#objects.delete(path);
  }

  #store(path: string, bytes: Uint8Array): string {
    const etag = `"${++this.#etags}"`;
    // Copy the bytes, as a real store does, because the caller may reuse its buffer.
    this.#objects.set(path, { bytes: Uint8Array.from(bytes), etag, lastModified: new Date(this.#now()) });
    return etag;
  }
}
