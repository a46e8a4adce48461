import type { Tally } from '../counts/tally';
import type { ViewResult } from './answers';
import { type KeysTold, type ViewInput, versionOf } from './clickView';
import { afterScan, type Unfinished } from './lakeScan';
import type { Window } from './timeWindow';

/** The rows that an answer tells: those of a window, or all rows since the beginning. */
export interface RowsTold {
  readonly keys: KeysTold;
  /** The rows, by the index of the key. */
  readonly counts: ArrayLike<number>;
  /** The rows in the window whose keys are not counted on their own. Undefined without a window, and if every key is counted on its own. */
  readonly folded: number | undefined;
  readonly isWindow: boolean;
  /** The members of the answer that say what it counts. */
  readonly about: Readonly<Record<string, string | number | null>>;
}

/** Makes an answer of the rows in a window, or of all rows if there is no window. It is made at once, or after a scan. */
export function tellWindow(
  window: Window | undefined,
  { view, nowMs }: ViewInput,
  tell: (rows: RowsTold) => ViewResult,
): ViewResult | Unfinished {
  const { tally } = view;
  const about = versionOf(view);
  if (!window) return tell({ keys: tally, counts: tally.counts, folded: undefined, isWindow: false, about });
  const { clicks, times } = window.at(tally, nowMs);
  const keys = keysTold(tally, clicks.missing.length > 0);
  return afterScan(clicks.missing, { add: (index) => clicks.add(index), asked: window.asked }, () => {
    const { counts, folded } = clicks;
    return tell({ keys, counts, folded, isWindow: true, about: { ...about, ...times } });
  });
}

/**
 * The keys of a tally for an answer. If the answer is made later, they are copied, so that they stay as they are now when the tally goes
 * on.
 */
export function keysTold(tally: Tally, isLater: boolean): KeysTold {
  if (!isLater) return tally;
  const ranked = tally.ranked().slice();
  return {
    keys: tally.keys.slice(),
    attributes: tally.attributes.slice(),
    folded: tally.folded && { total: tally.folded.total, most: tally.folded.most },
    ranked: () => ranked,
  };
}
