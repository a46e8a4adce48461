import type { Key } from '../counts/keys';
import type { Tally } from '../counts/tally';

/** The clicks on all products that are not counted on their own. */
export interface OtherClicks {
  readonly clicks: number;
  /** The highest number of these clicks that a single product can have. */
  readonly atMost: number;
}

/** The keys that are not counted on their own; undefined if every key is. */
export interface FoldedTold {
  readonly folded: { readonly total: number; readonly most: number } | undefined;
}

/** The value of the column `name`, or of the category, in the CSV row for these clicks. */
export const otherName = 'other';

/**
 * The member `other` of an answer. Undefined if every product is counted on its own.
 * @param clicks the clicks on the other products in the window that was asked for; by default all clicks on them
 */
export function otherClicks({ folded }: FoldedTold, clicks = folded?.total): OtherClicks | undefined {
  if (!folded || folded.total === 0) return undefined;
  return { clicks: clicks ?? 0, atMost: Math.min(folded.most, clicks ?? 0) };
}

/**
 * Why a key has no count of its own. `what` names it, `row` says what is counted, and `belongs` how the two go together in a sentence;
 * `keys` are the forms that it may have in the table.
 */
export function whyUncounted(
  what: string,
  keys: readonly Key[],
  tally: Tally,
  { row, belongs }: { readonly row: string; readonly belongs: 'on' | 'with' },
): string {
  const most = Math.max(...keys.map((key) => tally.mostFoldedOf(key)));
  if (most === 0) return `No ${row} ${belongs} ${what} has been counted.`;
  const subject = `${what.charAt(0).toUpperCase()}${what.slice(1)}`;
  return `${subject} is not counted on its own: it has at most ${most} of the ${row}s in "other", or none.`;
}
