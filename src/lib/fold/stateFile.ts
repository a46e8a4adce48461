import type { TableLocation } from '../delta/log';
import type { TablePosition } from '../delta/position';

/**
 * A file in a table's folder that keeps what was folded from the log up to a version, so that a new instance need not read every
 * file. It is a cache, never the truth: if it is damaged or does not fit the table, it is treated as missing.
 */
export interface StateFile<State extends TablePosition> {
  /** The path of the file. Its name begins with an underscore, so Delta readers and vacuum ignore it. */
  readonly path: (table: string) => string;
  /** Reads the state; undefined if the bytes are not a complete state of the present format. */
  readonly parse: (bytes: Uint8Array) => State | undefined;
  readonly serialize: (state: State) => Uint8Array;
}

export interface FoundState<State extends TablePosition> {
  /** The ETag that the next writer must give; undefined if there is no file. */
  readonly etag: string | undefined;
  /** Undefined if there is no file, or if it cannot be used. */
  readonly state: State | undefined;
}

/** Throws `storage.*` if it is unknown whether there is a file. */
export async function readState<State extends TablePosition>(
  { store, table }: TableLocation,
  file: StateFile<State>,
): Promise<FoundState<State>> {
  const found = await store.get(file.path(table));
  return { etag: found?.etag, state: found && file.parse(found.bytes) };
}

/**
 * Writes the state if the file still has this `etag`, or is still missing if `etag` is undefined. Returns the new ETag, or
 * undefined if another process has written the file meanwhile.
 */
export async function writeState<State extends TablePosition>(
  { store, table }: TableLocation,
  file: StateFile<State>,
  state: State,
  etag: string | undefined,
): Promise<string | undefined> {
  const path = file.path(table);
  const bytes = file.serialize(state);
  const put = etag === undefined ? store.putIfAbsent(path, bytes) : store.putIfMatch(path, bytes, etag);
  const result = await put;
  return result.outcome === 'written' ? result.etag : undefined;
}
