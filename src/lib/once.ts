/** Makes a value when it is first asked for, and gives the same one from then on. */
export interface Once<T> {
  (): T;
  /** What was made; undefined as long as nobody asked for it. */
  made(): T | undefined;
  /** Has the next call make another one. Returns what was made until now. */
  forget(): T | undefined;
}

/** The same for each key. */
export interface OncePerKey<K, T> {
  (key: K): T;
  made(): ReadonlyMap<K, T>;
  forget(key: K): T | undefined;
}

/**
 * A value that is made once. A promise that rejects is forgotten, so that what failed is made again the next time; whoever
 * waits for it learns of the failure.
 */
export function once<T>(make: () => T): Once<T> {
  const only = oncePerKey<undefined, T>(make);
  return Object.assign(() => only(undefined), {
    made: () => only.made().get(undefined),
    forget: () => only.forget(undefined),
  });
}

/** A value that is made once for each key; keys are told apart as in a Map. */
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
        // Meanwhile it may have been forgotten, and made again.
        if (made.get(key) === value) made.delete(key);
      });
    return value;
  };
  return Object.assign(get, { made: () => made, forget });
}
