import type { TableLocation } from '../delta/log';
import { openSnapshot } from '../delta/openTable';
import type { Counted } from '../streams/stream';
import { readCachedState } from './cachedState';
import { countFiles } from './countFiles';
import { FoldedLog } from './foldLog';
import type { Key } from './keys';
import { defaultMaxKeys } from './tally';

/** How many of the differences are listed. */
const examples = 10;

export interface CountsVerification {
  /** The version that was compared. */
  readonly version: number;
  /** The version of the cached state; undefined if there is none, or it cannot be used. */
  readonly cachedVersion: number | undefined;
  /** Rows in the live files. */
  readonly total: number;
  /** The number of keys whose count differs. `examples` has the first of them. */
  readonly different: number;
  readonly examples: readonly { readonly key: Key; readonly served: number; readonly live: number }[];
}

/**
 * Compares the counts of an instance that starts now (the cached state, and the log after it) with a count of that version's live
 * files. Undefined if there is no table. Throws what reading the table throws.
 */
export async function verifyCounts(options: {
  readonly at: TableLocation;
  readonly counted: Counted;
}): Promise<CountsVerification | undefined> {
  const { at } = options;
  const fold = { ...options, maxKeys: defaultMaxKeys, now: Date.now };
  const log = new FoldedLog(fold);
  const cached = (await readCachedState(at)).state;
  const isCacheUsed = await log.countAnew(cached);
  const served = log.counted;
  if (!served) return undefined;
  const { version } = served.state;
  const snapshot = await openSnapshot(at, { version });
  if (!snapshot) return undefined;
  const live = await countFiles({
    ...fold,
    nowMs: Date.now(),
    state: snapshot,
    adds: [...snapshot.files.values()],
  });
  const different = [...new Set([...served.tally.keys, ...live.keys])]
    .map((key) => ({ key, served: served.tally.countOf(key), live: live.countOf(key) }))
    .filter((one) => one.served !== one.live);
  return {
    version,
    cachedVersion: isCacheUsed ? cached?.version : undefined,
    total: live.total,
    different: different.length,
    examples: different.slice(0, examples),
  };
}
