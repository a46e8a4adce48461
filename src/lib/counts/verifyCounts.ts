import type { TableLocation } from '../delta/log';
import { openSnapshot } from '../delta/openTable';
import { readState } from '../fold/stateFile';
import type { FileProgress } from '../lake/scanRows';
import { cachedStateFile } from './cachedState';
import { countFiles } from './countFiles';
import { roomOf } from './countLiveFiles';
import type { Dimension } from './dimension';
import { FoldedLog } from './foldLog';
import type { Key } from './keys';
import type { Tally } from './tally';

/** How many of the differences are listed. */
const examples = 10;

export interface CountDifference {
  /** The key, or what else was compared. */
  readonly of: string;
  readonly served: number;
  readonly live: number;
}

export interface CountsVerification {
  /** The version that was compared. */
  readonly version: number;
  /** The version of the cached state; undefined if there is none, or it cannot be used. */
  readonly cachedVersion: number | undefined;
  /** Rows in the live files. */
  readonly total: number;
  /** Those of them whose keys are not counted on their own. */
  readonly folded: number;
  /** The number of counts that differ: of keys, of all folded rows, and of the bound on a folded key. `examples` has the first. */
  readonly different: number;
  readonly examples: readonly CountDifference[];
}

/**
 * Compares the counts of an instance that starts now (the cached state, and the log after it) with a count of that version's live
 * files. Both keep the keys that the log names; nothing is written. Undefined if there is no table. Throws what reading the table
 * throws.
 */
export async function verifyCounts(options: {
  readonly at: TableLocation;
  readonly counted: Dimension;
  readonly maxKeys: number;
  readonly onFile?: FileProgress;
}): Promise<CountsVerification | undefined> {
  const { at, counted, onFile } = options;
  const fold = {
    ...options,
    preferred: async () => ({ keys: new Set<Key>(), tag: '' }),
    isReadOnly: true,
    now: Date.now,
    warn: console.warn,
  };
  const log = new FoldedLog(fold);
  const cached = (await readState(at, cachedStateFile(counted))).state;
  const isCacheUsed = await log.countAnew(cached);
  const served = log.counted;
  if (!served) return undefined;
  const { version } = served.state;
  const snapshot = await openSnapshot(at, { version });
  if (!snapshot) return undefined;
  const adds = snapshot.files.values();
  const room = roomOf(served.kept.keys, { ...fold, maxKeys: Number.POSITIVE_INFINITY });
  const live = await countFiles({ state: snapshot, adds, counted, nowMs: Date.now(), room, onFile });
  if (live === 'no-room') return undefined;
  const compare = (of: string, count: (tally: Tally) => number) => ({
    of,
    served: count(served.tally),
    live: count(live),
  });
  const keys = [...new Set([...served.tally.keys, ...live.keys])];
  const different = [
    ...keys.map((key) => compare(String(key), (tally) => tally.countOf(key))),
    compare('all others', foldedIn),
    compare('the most of one of the others', ({ folded }) => folded?.most ?? 0),
  ].filter((one) => one.served !== one.live);
  return {
    version,
    cachedVersion: isCacheUsed ? cached?.version : undefined,
    total: live.total,
    folded: foldedIn(live),
    different: different.length,
    examples: different.slice(0, examples),
  };
}

const foldedIn = ({ folded }: Tally): number => folded?.total ?? 0;
