import type { Tally } from '../counts/tally';

/** The clicks on all products that are not counted on their own. */
export interface OtherClicks {
  readonly clicks: number;
  /** The most of these clicks that a single product can have. */
  readonly atMost: number;
}

/** What stands for the name of the product, or for the category, in the row of a CSV answer that has these clicks. */
export const otherName = 'other';

/**
 * Undefined if every product is counted on its own, so that the answer has no `other`.
 * @param clicks the clicks on the other products in the window that was asked for; by default all clicks on them
 */
export function otherClicks({ folded }: Tally, clicks = folded?.total): OtherClicks | undefined {
  if (!folded || folded.total === 0) return undefined;
  return { clicks: clicks ?? 0, atMost: Math.min(folded.most, clicks ?? 0) };
}

/** Why a product has no count of its own. */
export function whyUncounted(productid: number, tally: Tally): string {
  const most = tally.mostFoldedOf(productid);
  return most === 0
    ? `No click on product ${productid} has been counted.`
    : `Product ${productid} is not counted on its own: it has at most ${most} of the clicks in "other", or none.`;
}
