import { ClicksApi } from '../api/clicksApi';
import { Counts } from '../counts/counts';
import { ProductNames } from '../counts/productNames';
import { describeFailure } from '../errors';
import { once } from '../once';
import { settings } from '../settings';
import { clickstream, countedClicks } from '../streams/clickstream';
import { appLake } from './lake';

const productNames = once(async () => new ProductNames((await appLake()).store));

/** The click counts of this process. */
const clickCounts = once(async () => {
  const { countsRefreshMs, countedProducts } = await settings();
  const names = await productNames();
  return new Counts({
    at: (await appLake()).at(clickstream.table),
    counted: countedClicks,
    refreshMs: countsRefreshMs,
    maxKeys: countedProducts,
    preferred: () => names.preferred(),
  });
});

/** Answers GET /api/clicks and the paths below it. */
export const clicksApi = once(
  async () => new ClicksApi({ counts: await clickCounts(), names: await productNames() }),
);

/**
 * Decides anew which products are counted on their own, if that is due, and saves the counts for new instances. These are only a
 * cache: without it, a new instance counts the table's files.
 * @param signal gives up a decision that takes too long; the one in force stays
 */
export async function saveCounts(signal?: AbortSignal): Promise<void> {
  try {
    const counts = await clickCounts();
    await counts.save();
    await counts.decideAnewIfDue(signal);
  } catch (error) {
    console.warn(JSON.stringify({ event: 'counts-not-saved', ...describeFailure(error) }));
  }
}
