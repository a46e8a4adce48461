/** Makes a value at the first call, and returns the same value at every later call. */
export interface Once<T> {
  (): T;
  /** The value, if it was made already. */
  made(): T | undefined;
  /** Drops the value, so that the next call makes a new one. Returns the dropped value, if there was one. */
  forget(): T | undefined;
}

/** Makes one value for each key, at the first call with that key. */
export interface OncePerKey<K, T> {
  (key: K): T;
  made(): ReadonlyMap<K, T>;
  forget(key: K): T | undefined;
}

/**
 * A value that is made once. If the value is a promise that rejects, it is dropped, so that the next call tries again. Callers that
 * already wait for the promise get its error.
 */
export function once<T>(make: () => T): Once<T> {
  const only = oncePerKey<undefined, T>(make);
  return Object.assign(() => only(undefined), {
    made: () => only.made().get(undefined),
    forget: () => only.forget(undefined),
  });
}

/** A value that is made once for each key. Keys are compared as in a Map. */
export function oncePerKey<K, T>(make: (key: K) => T): OncePerKey<K, T> {
  const made = new Map<K, T>();
  const forget = (key: K): T | undefined => {
    const value = made.get(key);
    made.delete(key);
    return value;
  };
  const get = (key: K): T => {
    const known = made.get(key);
    if (known !== undefined || made.has(key)) return known as T;
    const value = make(key);
    made.set(key, value);
    if (value instanceof Promise)
      value.catch(() => {
        // The value may have been dropped and made again meanwhile: then keep the new one.
        if (made.get(key) === value) made.delete(key);
      });
    return value;
  };
  return Object.assign(get, { made: () => made, forget });
}
