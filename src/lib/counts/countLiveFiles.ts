import type { TableLocation } from '../delta/log';
import { openSnapshot } from '../delta/openTable';
import type { Snapshot, TableState } from '../delta/state';
import { foldLiveFiles } from '../fold/liveFiles';
import type { KeptKeys } from './chooseKeys';
import { countFiles } from './countFiles';
import { type DecideOptions, decideFromFiles, share } from './decideKept';
import type { Dimension } from './dimension';
import { type Kept, readKept } from './kept';
import type { Room, Tally } from './tally';

/** The counts of a table at one version. */
export interface CountedTable {
  readonly state: TableState;
  readonly tally: Tally;
  /** The decision that the counts follow. */
  readonly kept: Kept;
}

export interface CountOptions extends DecideOptions {
  readonly at: TableLocation;
  readonly counted: Dimension;
  /** The clock, in milliseconds since 1970. It stands in for the time of a version whose log entry is gone. */
  readonly now: () => number;
}

/**
 * The time that decides which old buckets are dropped. It is the store's time of the commit, because this host's clock may jump ahead, and
 * dropped buckets do not come back.
 */
export const timeOf = ({ storedAt }: TableState, { now }: CountOptions): number => storedAt ?? now();

export const roomOf = (keys: KeptKeys, { maxKeys }: CountOptions): Room =>
  keys ? { kept: keys } : { maxKeys };

/**
 * Counts the live files of the newest version. Undefined if there is no table.
 * @throws what opening the table throws, and `parquet.invalid` for a file that is gone or damaged
 */
export const countLiveFiles = (options: CountOptions): Promise<CountedTable | undefined> =>
  foldLiveFiles(options.at, (snapshot) => countSnapshot(snapshot, options));

/** Counts by the decision that is in force. If there are too many keys for it, or its file is gone, a new decision is made first. */
async function countSnapshot(snapshot: Snapshot, options: CountOptions): Promise<CountedTable | undefined> {
  const kept = await readKept(snapshot, options.counted);
  const counted = kept && (await countBy(kept, snapshot, options));
  if (counted) return counted;
  const files = { state: snapshot, adds: [...snapshot.files.values()], counted: options.counted };
  const decision = await decideFromFiles(files, timeOf(snapshot, options), options);
  const shared = await share(snapshot, decision, options);
  if (shared !== 'in-the-log') return countBy(shared, snapshot, options);
  const newer = await openSnapshot(options.at);
  return newer && countSnapshot(newer, options);
}

/** Undefined if the decision keeps all keys, and there are more than there is room for. */
async function countBy(
  kept: Kept,
  { files, tombstones: _, ...state }: Snapshot,
  options: CountOptions,
): Promise<CountedTable | undefined> {
  const tally = await countFiles({
    state,
    adds: [...files.values()],
    counted: options.counted,
    nowMs: timeOf(state, options),
    room: roomOf(kept.keys, options),
  });
  return tally === 'no-room' ? undefined : { state, tally, kept };
}
