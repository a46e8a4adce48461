import { type Categories, type Product, type Reply, Resource, type Totals, type Trending } from './api.js';
import { ClicksChart } from './clicksChart.js';
import { Comparison } from './comparison.js';
import { byId, formatNumber, setMessage, setText } from './elements.js';
import { Parts } from './parts.js';
import { comparedIn, periods } from './periods.js';
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
import { apiPath, describeView, type View } from './view.js';

const mostFound = 50;
const mostRising = 8;
/** If a category is chosen, so many rising products are asked for, to find those of the category. */
const askedRising = 1000;
/** The API's largest `top`: a comparison needs every product. */
const allProducts = 1_000_000;

/** What a view of the clicks asks of the API, and where the answers are shown. */
export class ClicksScreen {
  readonly view: View;
  readonly parts = new Parts();
  readonly chart: ClicksChart;
  /** The products of the view as the API has them, for downloads. */
  readonly productsPath: string;
  readonly trendingPath: string;
  readonly categoriesPath: string;
  /** Numbers of the found products; undefined without a search. */
  found: ReadonlySet<string> | undefined;
  /** Numbers of the rising products that are shown. */
  rising: ReadonlySet<string> = new Set();
  readonly #choices: Choices;
  readonly #totals: Resource<Totals>;
  #rows: Pick<ProductRows, 'products' | 'other' | 'none'> | undefined;
  #comparison: Comparison | undefined;

  constructor(view: View, chart: TimeChart, choices: Choices) {
    this.view = view;
    this.#choices = choices;
    const { category, compare, search } = view;
    const { last } = periods[view.period];
    this.productsPath = apiPath('clicks', { last, category });
    this.categoriesPath = apiPath('clicks/categories', { last });
    const top = compare ? allProducts : category === undefined ? mostRising : askedRising;
    const { last: compared } = comparedIn(view.period, compare ?? 'before');
    this.trendingPath = apiPath('clicks/trending', { last: compared, compare, top });
    this.#totals = new Resource(apiPath('clicks', { last, category, top: 10 }));
    this.chart = new ClicksChart(view, chart, choices, () => this.parts.isLeft);
    if (search !== '') this.parts.addPath<Totals>(this.productsPath, 15_000, (all) => this.#showFound(all));
    this.parts.addPath<Categories>(this.categoriesPath, 2000, (categories) =>
      showCategories(categories, category, choices),
    );
    this.parts.add(3000, this.chart.ask);
    this.parts.addPath<Trending>(this.trendingPath, compare ? 15_000 : 10_000, (trending) =>
      this.#showTrending(trending),
    );
    this.#describe();
  }

  async first(key: string): Promise<Reply<Totals>> {
    const reply = await this.#totals.get(key);
    if (reply.changed && !this.parts.isLeft) this.#showTotals(reply.data);
    return reply;
  }

  #describe(): void {
    const { view } = this;
    const { words } = comparedIn(view.period, view.compare ?? 'before');
    setText('shown', describeView(view));
    setText('total-title', view.category === undefined ? 'Clicks' : `Clicks in category ${view.category}`);
    setText('products-title', view.search === '' ? 'Top products' : 'Products found');
    const among = `Of the ${formatNumber(askedRising)} products that rise most, those of category ${view.category}.`;
    const isAmong = view.category !== undefined && view.compare === undefined;
    setText('trending-words', isAmong ? `${words} ${among}` : words);
    if (view.search === '') setMessage('products-words', '');
    setMessage('compared', '');
    byId('changes-csv').hidden = view.compare === undefined;
  }

  #showTotals({ total, products, other }: Totals): void {
    setText('total', formatNumber(total));
    if (this.view.search !== '') return;
    // The categories of the other products are not known.
    const shownOther = this.view.category === undefined ? other : undefined;
    this.#showProducts({ products, other: shownOther, none: 'No clicks in this time.' });
  }

  #showFound(all: Totals): void {
    const found = findProducts(all, this.view.search);
    this.found = numbersOf(found);
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
    const { compare, products: chosen } = this.view;
    const changes = { isCompared: compare !== undefined, comparison: this.#comparison };
    showProducts({ ...rows, chosen, ...changes }, this.#choices);
  }

  #showTrending(trending: Trending): void {
    const { category, compare, period } = this.view;
    const rising = findRising(trending, category, mostRising);
    this.rising = numbersOf(rising);
    showTrending(rising, this.#choices);
    if (!compare) return;
    this.#comparison = new Comparison(trending, category);
    setMessage('compared', `${comparedIn(period, compare).words} ${this.#comparison.describe()}`);
    if (this.#rows) this.#showProducts(this.#rows);
  }
}

const numbersOf = (products: readonly Product[]): ReadonlySet<string> =>
  new Set(products.map(({ productid }) => String(productid)));
