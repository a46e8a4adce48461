/**
 * The few operations that a Delta table needs of a store. Paths are relative to the store's root, use `/`, and never
 * start with one. All methods throw a TributaryError `storage.*` when the store fails; absence is a value.
 */
export interface ObjectStore {
  /** For error messages: the account and container, without secrets. */
  readonly name: string;
  /** The whole object, or undefined when there is none. */
  get(path: string): Promise<StoredObject | undefined>;
  /**
   * Bytes `start` (inclusive) to `start + length` (exclusive), cut at the object's end; a negative start counts from
   * the end. Undefined when there is no such object.
   */
  getRange(path: string, start: number, length: number): Promise<ObjectRange | undefined>;
  /** Creates or replaces. */
  put(path: string, bytes: Uint8Array): Promise<{ etag: string }>;
  /**
   * Creates, unless an object is there. `exists` may also mean that an earlier attempt of this very call was stored
   * and its reply lost: callers that care read the winner.
   */
  putIfAbsent(path: string, bytes: Uint8Array): Promise<PutOutcome>;
  /** Replaces the object that has this etag. `mismatch` also when there is no object any more. */
  putIfMatch(path: string, bytes: Uint8Array, etag: string): Promise<PutOutcome>;
  /**
   * Objects whose path starts with `prefix`, in byte order of their paths. Never a directory entry, which accounts with a
   * hierarchical namespace list as if it were an object.
   */
  list(prefix: string): AsyncIterable<ObjectInfo>;
  /** True when an object was there. */
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
