import type { TableLocation } from '../delta/log';
import { openSnapshot } from '../delta/openTable';
import { readState } from '../fold/stateFile';
import type { FileProgress } from '../lake/scanRows';
import { cachedStateFile } from './cachedState';
import { type CountDifference, compareTallies } from './compareTallies';
import { countFiles } from './countFiles';
import { roomOf, timeOf } from './countLiveFiles';
import type { Dimension } from './dimension';
import { FoldedLog } from './foldLog';
import type { Key } from './keys';
import type { Tally } from './tally';

/** How many of the differences are listed. */
const examples = 10;

export interface CountsVerification {
  /** The version that was compared. */
  readonly version: number;
  /** The version of the cached state; undefined if there is none, or it cannot be used. */
  readonly cachedVersion: number | undefined;
  /** Rows in the live files. */
  readonly total: number;
  /** How many of these rows have keys that are not counted on their own. */
  readonly folded: number;
  /** How many counts differ, as `compareTallies` finds them. `examples` has the first of them. */
  readonly different: number;
  readonly examples: readonly CountDifference[];
}

/**
 * Compares the counts of an instance that starts now (the cached state, and the log after it) with a count of that version's live
 * files. Both keep the keys that the log names, and the same times; nothing is written. Undefined if there is no table. Throws what
 * reading the table throws.
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
  // Both counts drop the same old buckets, because they use the same time.
  const nowMs = timeOf(served.state, { ...fold, maxKeys: Number.POSITIVE_INFINITY });
  const live = await countFiles({ state: snapshot, adds, counted, nowMs, room, onFile });
  if (live === 'no-room') return undefined;
  const first: CountDifference[] = [];
  let different = 0;
  for (const one of compareTallies(served.tally, live)) if (++different <= examples) first.push(one);
  return {
    version,
    cachedVersion: isCacheUsed ? cached?.version : undefined,
    total: live.total,
    folded: foldedIn(live),
    different,
    examples: first,
  };
}

const foldedIn = ({ folded }: Tally): number => folded?.total ?? 0;
