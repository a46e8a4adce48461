import type { TableLocation } from '../delta/log';
import { openSnapshot } from '../delta/openTable';
import type { FileProgress } from '../lake/scanRows';
import type { Latest } from '../streams/stream';
import { LatestFold } from './latest';
import type { LatestRows } from './latestRows';
import type { NewestRows } from './newestRows';
import { readLatest } from './readLatest';

/** How many of the differences are listed. */
const examples = 10;

export interface LatestDifference {
  /** The key; for a row of the history, with its hour or day. */
  readonly of: string;
  /** The time and the values as JSON; undefined if there are none. */
  readonly served: string | undefined;
  readonly live: string | undefined;
}

export interface LatestVerification {
  /** The version that was compared. */
  readonly version: number;
  /** The version of the saved state; undefined if there is none, or it cannot be used. */
  readonly savedVersion: number | undefined;
  /** How many keys there are. */
  readonly keys: number;
  /** How many newest rows differ, of all time, of an hour and of a day. `examples` has the first of them. */
  readonly different: number;
  readonly examples: readonly LatestDifference[];
}

/**
 * Compares the newest rows of an instance that starts now (the saved state, and the log after it) with those of that version's live
 * files. Nothing is written. Undefined if there is no table. Throws what reading the table throws.
 */
export async function verifyLatest(options: {
  readonly at: TableLocation;
  readonly latest: Latest;
  readonly onFile?: FileProgress;
}): Promise<LatestVerification | undefined> {
  const { at, latest, onFile } = options;
  const fold = new LatestFold({ at, latest, isReadOnly: true });
  const { state, rows: served } = await fold.current();
  const snapshot = state && (await openSnapshot(at, { version: state.version }));
  if (!snapshot) return undefined;
  const adds = snapshot.files.values();
  const nowMs = state.storedAt ?? Date.now();
  const live = await readLatest({ state: snapshot, adds, latest, nowMs, onFile });
  live.cut();
  const [ofServed, ofLive] = [textsOf(served), textsOf(live)];
  const different = [...new Set([...ofServed.keys(), ...ofLive.keys()])]
    .map((of) => ({ of, served: ofServed.get(of), live: ofLive.get(of) }))
    .filter((one) => one.served !== one.live);
  return {
    version: state.version,
    savedVersion: fold.startedFrom,
    keys: live.newest.keys.length,
    different: different.length,
    examples: different.slice(0, examples),
  };
}

/** Each row as a text. The key of the map is the row's key, for a row of the history with its hour or day. */
function textsOf({ newest, history }: LatestRows): Map<string, string> {
  const texts = new Map<string, string>();
  const add = ({ keys, times, columns }: NewestRows, when: string) =>
    keys.forEach((key, index) => {
      const row = [times[index], ...columns.map((values) => values[index])];
      texts.set(`${key}${when}`, JSON.stringify(row));
    });
  add(newest, '');
  for (const [name, timed] of Object.entries(history ?? {}))
    for (const [bucket, rows] of timed.parts()) add(rows, `, ${name.slice(0, -1)} ${bucket} since 1970`);
  return texts;
}
