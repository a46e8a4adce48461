import {
  ApiProblem,
  askCsv,
  type Categories,
  isTooMuch,
  longPatienceMs,
  type Product,
  type Reply,
  Resource,
  type Totals,
  type Trending,
} from './api.js';
import { markLabel } from './chartMark.js';
import { ClicksChart } from './clicksChart.js';
import { Comparison, changesOf, type Difference } from './comparison.js';
import { historyAsCsv, onlyRows } from './download.js';
import { byId, formatNumber, formatTime, setMessage, setText } from './elements.js';
import { Parts } from './parts.js';
import { comparedIn, periods } from './periods.js';
import { Rate } from './rate.js';
import type { Screen, ShownFile } from './screen.js';
import {
  type Choices,
  findProducts,
  findRising,
  type ProductRows,
  showCategories,
  showProducts,
  showTrending,
} from './tables.js';
import type { TimeChart } from './timeChart.js';
import { apiPath, describeView, type View, writeView } from './view.js';

const mostFound = 50;
const mostRising = 8;
/** The API keeps counts of the clicks of the last 31 days, in milliseconds. */
const countedMs = 31 * 86_400_000;
/** The API's largest `top`, for a file. */
const allProducts = 1_000_000;

/** The screen of the clicks: asks the API for what the view needs, and shows the answers. */
export class ClicksScreen implements Screen {
  readonly parts = new Parts();
  readonly files: Readonly<Record<string, ShownFile>>;
  readonly #view: View;
  readonly #chart: ClicksChart;
  readonly #choices: Choices;
  readonly #totals: Resource<Totals>;
  /** All clicks since the beginning, from which the rate is computed. Undefined if `#totals` asks for them already. */
  readonly #sinceBeginning: Resource<Totals> | undefined;
  readonly #rate = new Rate();
  /** The numbers of the products that the search found; undefined without a search. */
  #found: ReadonlySet<string> | undefined;
  /** The numbers of the rising products that are shown. */
  #rising: ReadonlySet<string> = new Set();
  #rows: Pick<ProductRows, 'products' | 'other' | 'none'> | undefined;
  #trending: Trending | undefined;
  /** The changes of the products in the table. */
  #changes: ReadonlyMap<number, Difference> = new Map();

  constructor(view: View, chart: TimeChart, choices: Choices) {
    this.#view = view;
    this.#choices = choices;
    const { category, compare, search } = view;
    const { last } = periods[view.period];
    const paths = pathsOf(view);
    this.#totals = new Resource(apiPath('clicks', { last, category, top: 10 }));
    this.#sinceBeginning =
      last === undefined ? undefined : new Resource(apiPath('clicks', { category, top: 1 }));
    this.#chart = new ClicksChart(view, chart, choices, () => this.parts.isLeft);
    this.files = this.#filesOf(paths);
    if (search !== '') this.parts.addPath<Totals>(paths.products, 15_000, (all) => this.#showFound(all));
    this.parts.addPath<Categories>(paths.categories, 2000, (categories) =>
      showCategories(categories, category, choices),
    );
    if (this.#chart.isSlow) this.parts.addSlow(60_000, this.#chart.ask);
    else this.parts.add(3000, this.#chart.ask);
    this.#addSinceMark();
    this.parts.addPath<Trending>(paths.trending, 10_000, (trending) => this.#showTrending(trending));
    if (compare) this.#addChanges();
    this.#describe();
  }

  async first(key: string): Promise<Reply<Totals>> {
    const reply = await this.#totals.get(key);
    const counted = this.#sinceBeginning ? (await this.#sinceBeginning.get(key)).data : reply.data;
    const { asOf, total } = counted;
    this.#rate.add(asOf === null ? reply.serverNow : Date.parse(asOf), total);
    if (reply.changed && !this.parts.isLeft) this.#showTotals(reply.data);
    return reply;
  }

  tick(nowMs: number): void {
    const rate = this.#rate.perSecond(nowMs);
    setText('rate', rate === undefined ? '–' : formatNumber(Number(rate.toFixed(rate < 10 ? 1 : 0))));
    // Says why there is no rate yet.
    setMessage('rate-words', rate === undefined ? 'known after the next commit' : '');
  }

  #filesOf({
    products,
    trending,
    changes,
    categories,
  }: ReturnType<typeof pathsOf>): Record<string, ShownFile> {
    const view = writeView({
      ...this.#view,
      mark: undefined,
      asset: undefined,
      prices: '7d',
      assetSearch: '',
    });
    const file = (what: string, make: ShownFile['make']): ShownFile => ({
      name: [what, ...view.split('&')].filter((part) => part !== '').join('-'),
      make,
    });
    return {
      'products-csv': file('products', async (key) => {
        const csv = await askCsv(products, key);
        return this.#found ? onlyRows(csv, this.#found) : csv;
      }),
      'changes-csv': file('changes', (key) => askCsv(changes, key)),
      'history-csv': file('history', () => historyAsCsv(this.#chart.shown)),
      'trending-csv': file('trending', async (key) => onlyRows(await askCsv(trending, key), this.#rising)),
      'categories-csv': file('categories', (key) => askCsv(categories, key)),
    };
  }

  #describe(): void {
    const view = this.#view;
    const { words } = comparedIn(view.period, view.compare);
    setText('shown', describeView(view));
    setText('total-title', view.category === undefined ? 'Clicks' : `Clicks in category ${view.category}`);
    setText('products-title', view.search === '' ? 'Top products' : 'Products found');
    setText('trending-words', view.category === undefined ? words : `${words} Of category ${view.category}.`);
    if (view.search === '') setMessage('products-words', '');
    setMessage('compared', '');
    byId('changes-csv').hidden = view.compare === undefined;
  }

  /** Keeps asking for the changes of the products in the table: again after a while, and at once if other products are in it. */
  #addChanges(): void {
    const { period, compare } = this.#view;
    const { last } = comparedIn(period, compare);
    let resource: Resource<Trending> | undefined;
    let named = '';
    let askedAt = 0;
    this.parts.add(0, async (key) => {
      const shown = this.#rows?.products.map(({ productid }) => productid).sort((a, b) => a - b) ?? [];
      if (shown.length === 0) return;
      const isSame = named === shown.join();
      if (isSame && performance.now() - askedAt < 10_000) return;
      named = shown.join();
      const path = apiPath('clicks/trending', { last, compare, products: named, top: shown.length });
      if (!resource || !isSame) resource = new Resource(path);
      const { data } = await resource.get(key);
      askedAt = performance.now();
      this.#changes = changesOf(shown, data);
      if (!this.parts.isLeft && this.#rows) this.#showProducts(this.#rows);
    });
  }

  /** Counts the clicks since the marked time. If that is long ago, they are counted in the table's files, which takes long. */
  #addSinceMark(): void {
    setMessage('since-mark', '');
    const { mark, category } = this.#view;
    if (!mark || mark.atMs > Date.now()) return;
    const since = new Date(mark.atMs).toISOString();
    const isLongAgo = Date.now() - mark.atMs > countedMs;
    const path = apiPath('clicks', { since, category, top: 1 });
    const resource = new Resource<Totals>(path, isLongAgo ? longPatienceMs : undefined);
    const of = category === undefined ? '' : ` in category ${category}`;
    const ask = async (key: string) => {
      const words = await resource.get(key).then(
        ({ data: { total, from } }) => {
          const begin = Date.parse(from ?? since);
          // If the marked time is long ago, clicks are counted in whole hours, and if it is even longer ago, in whole days.
          const counted = begin === mark.atMs ? '' : `, counted from ${formatTime(begin)}`;
          return `${formatNumber(total)} clicks${of} since “${markLabel(mark)}”${counted}.`;
        },
        (error) => {
          if (!(error instanceof ApiProblem) || !isTooMuch(error)) throw error;
          return `How many clicks there were since “${markLabel(mark)}” is not known. ${error.message}`;
        },
      );
      if (!this.parts.isLeft) setMessage('since-mark', words);
    };
    if (isLongAgo) this.parts.addSlow(60_000, ask);
    else this.parts.add(5000, ask);
  }

  #showTotals({ total, products, other }: Totals): void {
    setText('total', formatNumber(total));
    if (this.#view.search !== '') return;
    // The categories of the other products are not known, so they are not shown for a chosen category.
    const shownOther = this.#view.category === undefined ? other : undefined;
    this.#showProducts({ products, other: shownOther, none: 'No clicks in this time.' });
  }

  #showFound(all: Totals): void {
    const found = findProducts(all, this.#view.search);
    this.#found = numbersOf(found);
    const clicks = found.reduce((sum, product) => sum + product.clicks, 0);
    const products = found.slice(0, mostFound);
    const cut = products.length < found.length ? ` The first ${mostFound} are shown.` : '';
    const none = 'No product with such a name or number was clicked.';
    this.#showProducts({ products, other: undefined, none });
    setMessage(
      'products-words',
      `${formatNumber(found.length)} found, with ${formatNumber(clicks)} clicks.${cut}`,
    );
  }

  #showProducts(rows: Pick<ProductRows, 'products' | 'other' | 'none'>): void {
    this.#rows = rows;
    const { compare, products: chosen } = this.#view;
    const comparison = this.#comparison;
    showProducts({ ...rows, chosen, isCompared: compare !== undefined, comparison }, this.#choices);
  }

  get #comparison(): Comparison | undefined {
    return this.#trending && new Comparison(this.#trending, this.#changes);
  }

  #showTrending(trending: Trending): void {
    const { compare, period } = this.#view;
    const rising = findRising(trending);
    this.#rising = numbersOf(rising);
    showTrending(rising, this.#choices);
    if (!compare) return;
    this.#trending = trending;
    setMessage('compared', `${comparedIn(period, compare).words} ${this.#comparison?.describe()}`);
    if (this.#rows) this.#showProducts(this.#rows);
  }
}

/** The API's paths for the tables and for the files to download. */
function pathsOf({ period, category, compare }: View) {
  const { last } = periods[period];
  const { last: compared } = comparedIn(period, compare);
  return {
    products: apiPath('clicks', { last, category }),
    categories: apiPath('clicks/categories', { last }),
    trending: apiPath('clicks/trending', { last: compared, compare, category, top: mostRising }),
    changes: apiPath('clicks/trending', { last: compared, compare, top: allProducts }),
  };
}

const numbersOf = (products: readonly Product[]): ReadonlySet<string> =>
  new Set(products.map(({ productid }) => String(productid)));
