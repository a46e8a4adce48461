import { ClicksApi } from '../api/clicksApi';
import { Counts } from '../counts/counts';
import { ProductNames } from '../counts/productNames';
import { describeFailure } from '../errors';
import { once } from '../once';
import { settings } from '../settings';
import { clickstream, countedClicks } from '../streams/clickstream';
import { appLake } from './lake';

/** The click counts of this process. */
const clickCounts = once(
  async () =>
    new Counts({
      at: (await appLake()).at(clickstream.table),
      counted: countedClicks,
      refreshMs: (await settings()).countsRefreshMs,
    }),
);

/** Answers GET /api/clicks and the paths below it. */
export const clicksApi = once(
  async () =>
    new ClicksApi({ counts: await clickCounts(), names: new ProductNames((await appLake()).store) }),
);

/** Saves the counts for new instances. This is only a cache: without it, a new instance counts the table's files. */
export async function saveCounts(): Promise<void> {
  try {
    await (await clickCounts()).save();
  } catch (error) {
    console.warn(JSON.stringify({ event: 'counts-not-saved', ...describeFailure(error) }));
  }
}
