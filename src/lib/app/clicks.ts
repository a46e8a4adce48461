import { type ApiAnswer, type ApiRequest, answerProblem, noSuchStream, shown } from '../api/answer';
import { ClicksApi } from '../api/clicksApi';
import { type CountTerms, clicksStream, clickTerms, countTerms } from '../api/countTerms';
import { Counts } from '../counts/counts';
import { type Dimension, dimensionsOf } from '../counts/dimension';
import { LakeScans } from '../counts/lakeScans';
import { ProductNames } from '../counts/productNames';
import { type ProductsFile, productsPath } from '../counts/productsFile';
import { describeFailure, TributaryError } from '../errors';
import { logEvent } from '../log';
import { once, oncePerKey } from '../once';
import type { SavedCounts } from '../orchestrations/maintainTables';
import { type Settings, settings } from '../settings';
import { loadStreams } from '../streams/loadStreams';
import type { Counted, Stream } from '../streams/stream';
import { failureOf } from './failure';
import { appLake, type Lake } from './lake';
import { appLatest, latestStreams } from './latest';

const productNames = once(
  async () => new ProductNames((await appLake()).store, { onRead: warnOfPassedOver }),
);

/** How many wrong lines of a products.csv the log names. */
const namedLines = 5;

/** Logs, once for each version of a products.csv, which of its lines are not used. The text of the lines is not logged. */
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

/** A stream whose rows are counted. */
type CountedStream = Stream & { readonly counted: Counted };

const isCounted = (stream: Stream): stream is CountedStream => stream.counted !== undefined;

/** The streams whose rows are counted. */
export const countedStreams = async (): Promise<CountedStream[]> => (await loadStreams()).filter(isCounted);

/** A dimension of a stream, such as the product of a click. Rows are counted for each dimension. */
interface CountedDimension {
  readonly stream: CountedStream;
  readonly dimension: Dimension;
}

const dimensionsOfStream = oncePerKey((stream: CountedStream): readonly CountedDimension[] =>
  dimensionsOf(stream.counted).map((dimension) => ({ stream, dimension })),
);

/** All dimensions of all streams whose rows are counted. */
export const countedDimensions = async (): Promise<CountedDimension[]> =>
  (await countedStreams()).flatMap(dimensionsOfStream);

/** Whether products.csv has names for the keys of a dimension. Its names are those of products, so only `productid` has them. */
const hasNames = ({ key }: Dimension) => key === 'productid';

/** All scans of this process, which are done one after the other. */
const scans = new LakeScans();

/** The counts of a dimension in a lake. */
export const openCounts = (
  lake: Pick<Lake, 'at'>,
  { countsRefreshMs, countedProducts }: Pick<Settings, 'countsRefreshMs' | 'countedProducts'>,
  names: ProductNames,
  { stream, dimension }: CountedDimension,
): Counts =>
  new Counts({
    at: lake.at(stream.table),
    counted: dimension,
    refreshMs: countsRefreshMs,
    maxKeys: countedProducts,
    scans,
    warn: (message) =>
      logEvent('warning', 'counts-problem', { stream: stream.name, by: dimension.key, message }),
    ...(hasNames(dimension) ? { preferred: () => names.preferred() } : {}),
  });

/** The counts of this process, by dimension. */
const appCounts = oncePerKey(async (counted: CountedDimension) =>
  openCounts(await appLake(), await settings(), await productNames(), counted),
);

const noNames = { last: { tag: '', names: new Map<number, string>() } };

const openApi = async (counted: CountedDimension, terms: CountTerms): Promise<ClicksApi> =>
  new ClicksApi({
    counts: await appCounts(counted),
    names: hasNames(counted.dimension)
      ? await productNames()
      : { ...noNames, current: async () => noNames.last },
    terms,
    logError: (error) =>
      logEvent('error', 'clicks-failed', {
        stream: counted.stream.name,
        by: counted.dimension.key,
        ...describeFailure(error),
      }),
  });

const clicksApi = oncePerKey((counted: CountedDimension) => openApi(counted, clickTerms));
const countsApi = oncePerKey((counted: CountedDimension) => openApi(counted, countTerms));

/** Answers GET /api/clicks and the paths below it. A wrong request is answered too, with what is wrong. */
export async function answerClicks(request: ApiRequest): Promise<ApiAnswer> {
  const stream = (await countedStreams()).find(({ name }) => name === clicksStream);
  const [counted] = stream ? dimensionsOfStream(stream) : [];
  if (counted) return (await clicksApi(counted)).answer(request);
  return answerProblem(
    404,
    `This app counts no clicks: it has no stream ${clicksStream}, or that stream's file does not declare what is counted. The rows of other streams are counted at /api/counts/{stream}.`,
  );
}

/** Answers GET /api/counts/{stream} and the paths below it; the parameter `by` chooses a dimension. Never throws for a wrong request. */
export async function answerCounts(name: string | undefined, request: ApiRequest): Promise<ApiAnswer> {
  const streams = await countedStreams();
  const stream = streams.find((each) => each.name === name);
  if (!stream) return noSuchStream(name, 'whose rows are counted', { streams, declares: 'counted' });
  const dimensions = dimensionsOfStream(stream);
  const query = new URLSearchParams(request.query);
  const [by = stream.counted.key, ...more] = query.getAll('by');
  query.delete('by');
  const counted = dimensions.find(({ dimension }) => dimension.key === by);
  if (counted && more.length === 0) return (await countsApi(counted)).answer({ ...request, query });
  const accepts = `one of ${dimensions.map(({ dimension }) => dimension.key).join(', ')}`;
  return answerProblem(400, `by is ${shown([by, ...more].join(','))}: expected ${accepts}.`, {
    parameter: 'by',
    accepts,
  });
}

/** The counts, or the newest rows, of a stream's table, with the names that the log uses for them. */
export interface FoldOfStream {
  readonly stream: string;
  readonly table: string;
  readonly fold: Pick<Counts, 'save'> & Partial<Pick<Counts, 'decideAnewIfDue'>>;
}

/**
 * Saves the counts of one dimension for new instances. If it is due, it also decides anew which products are counted on their own. The
 * saved counts are only a cache: without them, a new instance counts the table's files.
 * @param signal gives up the decision when it takes too long; then the same products are counted as before
 * @returns the outcome in a word
 */
export async function saveCounts(
  { stream, fold }: Omit<FoldOfStream, 'table'>,
  signal: AbortSignal,
): Promise<string> {
  const saved = await fold.save();
  try {
    return (await fold.decideAnewIfDue?.(signal)) === 'decided' ? 'decided' : saved;
  } catch (error) {
    logEvent('warning', 'products-not-chosen', { stream, ...describeFailure(error) });
    return saved;
  }
}

/**
 * Saves several counts, one after the other. A failure is logged, and the next ones are saved all the same. Only if storage does not answer
 * are they given up, because each would wait for it just as long. The first failure is the result, with its table.
 * @throws the signal's reason once it is aborted
 */
export async function saveAllCounts(all: readonly FoldOfStream[], signal: AbortSignal): Promise<SavedCounts> {
  const outcomes = new Set<string>();
  let failure: SavedCounts | undefined;
  for (const each of all) {
    try {
      outcomes.add(await saveCounts(each, signal));
    } catch (error) {
      logEvent('error', 'counts-not-saved', { stream: each.stream, ...describeFailure(error) });
      signal.throwIfAborted();
      failure ??= { ...failureOf(error), table: each.table };
      if (error instanceof TributaryError && error.code === 'storage.unavailable') break;
    }
  }
  const outcome = ['decided', 'saved'].find((each) => outcomes.has(each)) ?? 'current';
  return failure ?? { outcome };
}

/** Saves all counts and newest rows that this process keeps. */
export async function saveAppCounts(signal: AbortSignal): Promise<SavedCounts> {
  const counts = (await countedDimensions()).map(async (counted) => ({
    stream: counted.stream.name,
    table: counted.stream.table,
    fold: await appCounts(counted),
  }));
  const latest = (await latestStreams()).map(async (stream) => ({
    stream: stream.name,
    table: stream.table,
    fold: await appLatest(stream),
  }));
  return saveAllCounts(await Promise.all([...counts, ...latest]), signal);
}
