import type { ObjectStore } from '../../src/lib/storage/objectStore';

/** Calls of a store since it was wrapped, by method. */
export type CallCounts = Map<string, number>;

/** Wraps a store so that the calls of its methods are counted. */
export function countCalls(store: ObjectStore): { store: ObjectStore; counts: CallCounts } {
  const counts: CallCounts = new Map();
  const counted = <A extends unknown[], R>(name: string, call: (...args: A) => R) => {
    return (...args: A): R => {
      counts.set(name, (counts.get(name) ?? 0) + 1);
      return call(...args);
    };
  };
  return {
    counts,
    store: {
      name: store.name,
      get: counted('get', (path) => store.get(path)),
      getRange: counted('getRange', (path, start, length) => store.getRange(path, start, length)),
      put: counted('put', (path, bytes) => store.put(path, bytes)),
      putIfAbsent: counted('putIfAbsent', (path, bytes) => store.putIfAbsent(path, bytes)),
      putIfMatch: counted('putIfMatch', (path, bytes, etag) => store.putIfMatch(path, bytes, etag)),
      list: counted('list', (prefix) => store.list(prefix)),
      delete: counted('delete', (path) => store.delete(path)),
    },
  };
}
