import { ClicksApi } from '../api/clicksApi';
import { Counts } from '../counts/counts';
import { ProductNames } from '../counts/productNames';
import { type ProductsFile, productsPath } from '../counts/productsFile';
import { describeFailure } from '../errors';
import { logEvent } from '../log';
import { once } from '../once';
import { settings } from '../settings';
import { clickstream, countedClicks } from '../streams/clickstream';
import { appLake } from './lake';

const productNames = once(
  async () => new ProductNames((await appLake()).store, { onRead: warnOfPassedOver }),
);

/** How many lines of a products.csv a line of the log names. */
const namedLines = 5;

/** Says once for each version of a products.csv what of it is not shown. The lines' own text stays out of the log. */
function warnOfPassedOver({ names, passedOver, isUtf8 }: ProductsFile): void {
  if (passedOver.length === 0 && isUtf8) return;
  logEvent('warning', 'products-passed-over', {
    names: names.size,
    passedOver: passedOver.length,
    examples: passedOver.slice(0, namedLines).map(({ line, reason }) => `line ${line}: ${reason}`),
    isUtf8,
    message: `${productsPath} has lines that are not used: npm run products -- show`,
  });
}

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

/** Saves the counts for new instances. This is only a cache: without it, a new instance counts the table's files. */
export async function saveCounts(): Promise<void> {
  try {
    await (await clickCounts()).save();
  } catch (error) {
    logEvent('warning', 'counts-problem', describeFailure(error));
  }
}

/**
 * Decides anew which products are counted on their own, if that is due.
 * @param signal gives it up when it takes too long; the products stay as they are
 */
export async function chooseProducts(signal: AbortSignal): Promise<void> {
  try {
    await (await clickCounts()).decideAnewIfDue(signal);
  } catch (error) {
    logEvent('warning', 'products-not-chosen', describeFailure(error));
  }
}
