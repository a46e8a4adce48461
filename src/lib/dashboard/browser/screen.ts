import {
  ApiProblem,
  type Categories,
  type History,
  type Product,
  type ProductClicks,
  Resource,
  type Totals,
  type Trending,
} from './api.js';
import { formatNumber, setMessage, setText } from './elements.js';
import type { HistoryChart } from './historyChart.js';
import {
  type Choices,
  findProducts,
  findRising,
  showCategories,
  showProducts,
  showTrending,
} from './tables.js';
import { apiPath, describeView, periods, type View } from './view.js';
import { Windows } from './windows.js';

const mostFound = 50;
const mostRising = 8;
/** If a category is chosen, so many rising products are asked for, to find those of the category. */
const askedRising = 1000;

type Ask = (key: string) => Promise<void>;

/** What a view asks of the API, and where the answers are shown. */
export class Screen {
  readonly view: View;
  /** The products of the view as the API has them, for downloads. */
  readonly productsPath: string;
  readonly trendingPath: string;
  readonly categoriesPath: string;
  /** Numbers of the found products; undefined without a search. */
  found: ReadonlySet<string> | undefined;
  /** Numbers of the rising products that are shown. */
  rising: ReadonlySet<string> = new Set();
  readonly #chart: HistoryChart;
  readonly #choices: Choices;
  readonly #totals: Resource<Totals>;
  readonly #parts: readonly Ask[];
  #isLeft = false;

  constructor(view: View, chart: HistoryChart, choices: Choices) {
    this.view = view;
    this.#chart = chart;
    this.#choices = choices;
    const { category, search } = view;
    const { last, trending } = periods[view.period];
    this.productsPath = apiPath('clicks', { last, category });
    this.categoriesPath = apiPath('clicks/categories', { last });
    const top = category === undefined ? mostRising : askedRising;
    this.trendingPath = apiPath('clicks/trending', { last: trending, top });
    this.#totals = new Resource(apiPath('clicks', { last, category, top: 10 }));
    this.#parts = [
      ...(search === '' ? [] : [this.#part<Totals>(this.productsPath, 15_000, (all) => this.#find(all))]),
      this.#part<Categories>(this.categoriesPath, 2000, (categories) =>
        showCategories(categories, category, choices),
      ),
      this.#history(),
      this.#part<Trending>(this.trendingPath, 10_000, (trending) => {
        const rising = findRising(trending, category, mostRising);
        this.rising = numbersOf(rising);
        showTrending(rising, choices);
      }),
    ];
    this.#describe();
  }

  /** Another screen is shown: answers that are under way are not. */
  leave(): void {
    this.#isLeft = true;
  }

  get isLeft(): boolean {
    return this.#isLeft;
  }

  async totals(key: string): Promise<{ data: Totals; changed: boolean; serverNow: number }> {
    const reply = await this.#totals.get(key);
    if (reply.changed && !this.#isLeft) this.#showTotals(reply.data);
    return reply;
  }

  /** Everything but the totals. */
  async rest(key: string): Promise<void> {
    for (const ask of this.#parts) if (!this.#isLeft) await ask(key);
  }

  /** A part that is refreshed less often than the totals. */
  #part<T>(path: string, everyMs: number, show: (data: T) => void): Ask {
    const resource = new Resource<T>(path);
    return every(everyMs, async (key) => {
      const { data, changed } = await resource.get(key);
      if (changed && !this.#isLeft) show(data);
    });
  }

  #describe(): void {
    const { view } = this;
    const { trendingWords } = periods[view.period];
    setText('shown', describeView(view));
    setText('total-title', view.category === undefined ? 'Clicks' : `Clicks in category ${view.category}`);
    setText('products-title', view.search === '' ? 'Top products' : 'Products found');
    const among = `Of the ${formatNumber(askedRising)} products that rise most, those of category ${view.category}.`;
    setText('trending-words', view.category === undefined ? trendingWords : `${trendingWords} ${among}`);
    if (view.search === '') setMessage('products-words', '');
  }

  #showTotals({ total, products, other }: Totals): void {
    setText('total', formatNumber(total));
    // The categories of the other products are not known.
    const shownOther = this.view.category === undefined ? other : undefined;
    if (this.view.search === '') showProducts(products, shownOther, 'No clicks in this time.', this.#choices);
  }

  #find(all: Totals): void {
    const found = findProducts(all, this.view.search);
    this.found = numbersOf(found);
    const clicks = found.reduce((sum, product) => sum + product.clicks, 0);
    const shown = found.slice(0, mostFound);
    const cut = shown.length < found.length ? ` The first ${mostFound} are shown.` : '';
    showProducts(shown, undefined, 'No product with such a name or number was clicked.', this.#choices);
    setMessage(
      'products-words',
      `${formatNumber(found.length)} found, with ${formatNumber(clicks)} clicks.${cut}`,
    );
  }

  #history(): Ask {
    const { product, category } = this.view;
    if (product !== undefined) return this.#productLine(product);
    if (category !== undefined) return this.#categoryLine(category);
    const { history, each, over } = periods[this.view.period];
    return this.#part<History>(`clicks/history?${history}`, 3000, ({ buckets, total }) => {
      const most = Math.max(0, ...buckets.map(({ clicks }) => clicks));
      const words = `${formatNumber(total)} clicks ${over}; at most ${formatNumber(most)} ${each}.`;
      this.#chart.show({
        title: `Clicks ${each}, ${over}`,
        buckets,
        words: `${words} The last bar is not over yet.`,
      });
    });
  }

  #categoryLine(category: number): Ask {
    const ask = this.#windows((last) => apiPath('clicks', { last, category, top: 1 }));
    return every(3000, (key) => ask(key, `Category ${category}`, ''));
  }

  #productLine(product: number): Ask {
    const { last, words } = periods[this.view.period];
    const resource = new Resource<ProductClicks>(apiPath(`clicks/${product}`, { last }));
    const ask = this.#windows((window) => apiPath(`clicks/${product}`, { last: window }));
    return every(3000, async (key) => {
      try {
        const { clicks, name, category } = (await resource.get(key)).data;
        const title = name === undefined ? `Product #${product}` : `${name} (#${product})`;
        const of = category === null ? '' : `Category ${category}. `;
        // The windows of the chart tell a period's clicks themselves.
        const sinceBeginning = last === undefined ? `${formatNumber(clicks)} clicks ${words}. ` : '';
        await ask(key, title, `${of}${sinceBeginning}`);
      } catch (error) {
        if (!(error instanceof ApiProblem) || error.status !== 404) throw error;
        if (!this.#isLeft) this.#chart.clear(`Product #${product}`, error.message);
      }
    });
  }

  /** Shows the difference of windows as a chart. */
  #windows(pathOf: (last: string) => string): (key: string, title: string, before: string) => Promise<void> {
    const { windows: steps, over } = periods[this.view.period];
    const windows = new Windows(steps, pathOf);
    const each =
      steps.step === 1 ? 'per minute' : `per ${steps.step} ${steps.unit === 'm' ? 'minutes' : 'hours'}`;
    return async (key, title, before) => {
      let buckets: Awaited<ReturnType<typeof windows.get>>;
      for (let tries = 0; tries < 3 && !buckets && !this.#isLeft; tries++) buckets = await windows.get(key);
      if (!buckets || this.#isLeft) return;
      const total = buckets.reduce((sum, { clicks }) => sum + clicks, 0);
      this.#chart.show({
        title: `${title}: clicks ${each}, ${over}`,
        buckets,
        words: `${before}${formatNumber(total)} clicks ${over}. The last bar is not over yet.`,
      });
    };
  }
}

const numbersOf = (products: readonly Product[]): ReadonlySet<string> =>
  new Set(products.map(({ productid }) => String(productid)));

/** Runs at most once in this time; again at once if it failed. */
function every(ms: number, run: Ask): Ask {
  let ranAt = Number.NEGATIVE_INFINITY;
  return async (key) => {
    if (performance.now() - ranAt < ms) return;
    await run(key);
    ranAt = performance.now();
  };
}
