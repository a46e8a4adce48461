import type { Commit } from './actions';
import { readCommit, type TableLocation } from './log';
import { advanceState, isDamage, openState, readNewer } from './openTable';
import type { TableState } from './state';

/**
 * The newest version of a table, for a reader that asks for it again and again: only what was committed since the last
 * time is read, after a look whether the commit we stand on is still the same one.
 */
export class TableHead {
  readonly at: TableLocation;
  #known: MarkedState | undefined;

  constructor(at: TableLocation) {
    this.at = at;
  }

  /** Undefined while there is no table. Throws what `openState` throws. */
  async read(): Promise<TableState | undefined> {
    this.#known = (await this.#advance()) ?? (await openMarked(this.at));
    return this.#known?.state;
  }

  /** Undefined where the table has to be opened: it is another one, the log was cleaned, or there is too much to read. */
  async #advance(): Promise<MarkedState | undefined> {
    if (!this.#known) return undefined;
    const { state, mark } = this.#known;
    try {
      const [here, newer] = await Promise.all([readCommit(this.at, state.version), readNewer(state)]);
      if (mark === '' || markOf(here) !== mark || !newer) return undefined;
      const last = newer.at(-1);
      return last ? { state: advanceState(state, newer), mark: markOf(last) } : this.#known;
    } catch (error) {
      if (isDamage(error)) return undefined;
      throw error;
    }
  }
}

interface MarkedState {
  readonly state: TableState;
  readonly mark: string;
}

async function openMarked(at: TableLocation): Promise<MarkedState | undefined> {
  const state = await openState(at);
  return state && { state, mark: markOf(await readCommit(at, state.version)) };
}

/**
 * What tells a commit from one of a table that was made anew in its place: empty where the commit is not there (any more)
 * or says nothing of its own.
 */
export const markOf = (commit: Commit | undefined): string =>
  String(commit?.commitInfo?.txnId ?? commit?.commitInfo?.timestamp ?? commit?.adds[0]?.path ?? '');
