import { ClicksApi } from '../api/clicksApi';
import { Counts } from '../counts/counts';
import { ProductNames } from '../counts/productNames';
import { type ProductsFile, productsPath } from '../counts/productsFile';
import { describeFailure } from '../errors';
import { logEvent } from '../log';
import { once } from '../once';
import { type Settings, settings } from '../settings';
import { clickstream, countedClicks } from '../streams/clickstream';
import { appLake, type Lake } from './lake';

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

/** The click counts of a lake. */
export const openClickCounts = (
  lake: Pick<Lake, 'at'>,
  { countsRefreshMs, countedProducts }: Pick<Settings, 'countsRefreshMs' | 'countedProducts'>,
  names: ProductNames,
): Counts =>
  new Counts({
    at: lake.at(clickstream.table),
    counted: countedClicks,
    refreshMs: countsRefreshMs,
    maxKeys: countedProducts,
    preferred: () => names.preferred(),
  });

/** The click counts of this process. */
const clickCounts = once(async () =>
  openClickCounts(await appLake(), await settings(), await productNames()),
);

/** Answers GET /api/clicks and the paths below it. */
export const clicksApi = once(
  async () => new ClicksApi({ counts: await clickCounts(), names: await productNames() }),
);

/**
 * Saves the counts for new instances, and decides anew which products are counted on their own, if that is due. The counts are only a
 * cache: without it, a new instance counts the table's files.
 * @param signal gives up the decision when it takes too long; the products stay as they are
 * @returns the outcome in a word
 */
export async function saveCounts(counts: Counts, signal: AbortSignal): Promise<string> {
  const saved = await counts.save();
  try {
    return (await counts.decideAnewIfDue(signal)) === 'decided' ? 'decided' : saved;
  } catch (error) {
    logEvent('warning', 'products-not-chosen', describeFailure(error));
    return saved;
  }
}

/** The same with the counts of this process. */
export const saveAppCounts = async (signal: AbortSignal): Promise<string> =>
  saveCounts(await clickCounts(), signal);
