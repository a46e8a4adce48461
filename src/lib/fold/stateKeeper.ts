import type { TableLocation } from '../delta/log';
import { isSameEntry, readMark, type TablePosition } from '../delta/position';
import { TributaryError } from '../errors';
import { SharedRun } from '../sharedRun';
import { type FoundState, readState, type StateFile, writeState } from './stateFile';

/** How many versions the file may lag before it is written again. */
const saveEveryVersions = 200;

/** The facts that this instance knows about the file in the lake. */
interface KnownFile {
  /** The ETag that the next writer must give; undefined if there is no file. */
  readonly etag: string | undefined;
  /** The position up to which its state was folded; undefined if there is no file, or if it cannot be used. */
  readonly position: TablePosition | undefined;
}

/** Reads the state of a fold from the lake, and writes newer states. Other instances do the same at the same time. */
export class StateKeeper<State extends TablePosition> {
  readonly #at: TableLocation;
  readonly #file: StateFile<State>;
  /** Undefined if it is unknown, because it could not be read, or because another instance has written it since. */
  #known: KnownFile | undefined;
  /** The version at which a save was last attempted. */
  #triedVersion = -1;
  readonly #saving = new SharedRun<'saved' | 'current'>();

  constructor(at: TableLocation, file: StateFile<State>) {
    this.#at = at;
    this.#file = file;
  }

  /**
   * Has the table folded anew, from the state in the lake if it can be used. The state is optional: if storage fails while it is read, the
   * table is folded without it, and the error is reported afterwards. If that fails too, its own error says why.
   * @param foldFrom returns whether the state was used
   */
  async foldAnew(
    foldFrom: (state: State | undefined) => Promise<boolean>,
    onUnread: (message: string) => void,
  ): Promise<void> {
    const found = await unlessStorageFails(readState(this.#at, this.#file));
    if (found instanceof Error) {
      await foldFrom(undefined);
      onUnread(found.message);
      this.#known = undefined;
    } else {
      const isUsed = await foldFrom(found.state);
      // Treat an unusable state as absent, whatever its version, so that the next save replaces it.
      this.#known = { etag: found.etag, position: isUsed ? positionOf(found.state) : undefined };
    }
    this.#triedVersion = -1;
  }

  /** Whether the state in the lake is so far behind a position that it should be written again. */
  isFarBehind({ tableId, version }: TablePosition): boolean {
    const known = this.#known?.position;
    const knownVersion = known?.tableId === tableId ? known.version : -1;
    return version - Math.max(knownVersion, this.#triedVersion) >= saveEveryVersions;
  }

  /** Forgets what is known about the file, because somebody else wrote it. */
  forget(): void {
    this.#known = undefined;
  }

  /**
   * Writes the newest state, unless the one in the lake is as new and its version is still in the log.
   * @param newest returns the position of the fold, and a function that makes its state; undefined if there is nothing to save
   */
  save(newest: () => Saveable<State> | undefined): Promise<'saved' | 'current'> {
    this.#triedVersion = newest()?.position.version ?? -1;
    return this.#saving.join(() => this.#write(newest));
  }

  async #write(newest: () => Saveable<State> | undefined): Promise<'saved' | 'current'> {
    for (;;) {
      this.#known ??= await this.#readKnown();
      const { etag, position: known } = this.#known;
      const before = newest();
      const isNeeded = before && !(await this.#isAsNew(known, before.position));
      // The fold may have moved on while this waited, so the state is stored as it is now.
      const now = isNeeded ? newest() : undefined;
      if (!now) return 'current';
      const state = now.state();
      if (!state) return 'current';
      const newEtag = await writeState(this.#at, this.#file, state, etag);
      if (newEtag !== undefined) {
        this.#known = { etag: newEtag, position: now.position };
        return 'saved';
      }
      // Another instance was faster. Its state may be newer or older than ours, so it is unknown.
      this.#known = undefined;
    }
  }

  async #readKnown(): Promise<KnownFile> {
    const { etag, state }: FoundState<State> = await readState(this.#at, this.#file);
    return { etag, position: positionOf(state) };
  }

  /** Whether the state in the lake need not be replaced: it is of our version, or of a later version that is in the log. */
  async #isAsNew(
    known: TablePosition | undefined,
    { tableId, version, mark }: TablePosition,
  ): Promise<boolean> {
    if (known?.tableId !== tableId || known.version < version) return false;
    if (known.version === version) return isSameEntry(mark, known.mark);
    // Storage may have gone back in time since the state was written. Then the log has another entry of that version, or none.
    const there = await readMark(this.#at, known.version);
    return there !== undefined && isSameEntry(there, known.mark);
  }
}

/** A fold at a position. */
export interface Saveable<State> {
  readonly position: TablePosition;
  /** Makes the state; undefined if it must not be saved. */
  readonly state: () => State | undefined;
}

/** Only the position of a state, so that the rest is not kept in memory. */
const positionOf = (state: TablePosition | undefined): TablePosition | undefined =>
  state && { tableId: state.tableId, version: state.version, mark: state.mark };

async function unlessStorageFails<T>(reading: Promise<T>): Promise<T | TributaryError> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof TributaryError && error.code.startsWith('storage.')) return error;
    throw error;
  }
}
