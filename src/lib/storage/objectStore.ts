/**
 * The few operations that a Delta table needs of a store. Paths are relative to the store's root, use `/`, and never start with a
 * slash. If the store fails, all methods throw a TributaryError `storage.*`. A missing object is a value and not an error.
 */
export interface ObjectStore {
  /** The account and container, without secrets, for error messages. */
  readonly name: string;
  /** The whole object; undefined if it does not exist. */
  get(path: string): Promise<StoredObject | undefined>;
  /**
   * Bytes `start` (inclusive) to `start + length` (exclusive), cut at the object's end. A negative start counts from the end.
   * Undefined if the object does not exist.
   */
  getRange(path: string, start: number, length: number): Promise<ObjectRange | undefined>;
  /** Creates or replaces the object. */
  put(path: string, bytes: Uint8Array): Promise<{ etag: string }>;
  /**
   * Creates the object if it does not exist. `exists` may also mean that an earlier try of this very call was stored and its
   * reply lost; a caller that needs to know reads the object.
   */
  putIfAbsent(path: string, bytes: Uint8Array): Promise<PutOutcome>;
  /** Replaces the object if it still has this ETag. Returns `mismatch` if it has another one or does not exist any more. */
  putIfMatch(path: string, bytes: Uint8Array, etag: string): Promise<PutOutcome>;
  /**
   * Objects whose path starts with `prefix`, in byte order of their paths. Directories are left out, which accounts with a
   * hierarchical namespace list like objects.
   */
  list(prefix: string): AsyncIterable<ObjectInfo>;
  /** Returns true if the object existed. */
  delete(path: string): Promise<boolean>;
}

export interface ObjectInfo {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  readonly lastModified: Date;
}

export interface StoredObject {
  readonly bytes: Uint8Array;
  readonly etag: string;
  readonly lastModified: Date;
}

export interface ObjectRange {
  readonly bytes: Uint8Array;
  /** Size of the whole object in bytes. */
  readonly size: number;
}

export type PutOutcome =
  | { readonly outcome: 'written'; readonly etag: string }
  | { readonly outcome: 'exists' | 'mismatch' };
