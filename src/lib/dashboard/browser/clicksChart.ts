import { ApiProblem, type History, isTooMuch, longPatienceMs, type ProductClicks, Resource } from './api.js';
import { element, formatNumber } from './elements.js';
import type { Ask } from './parts.js';
import { chartOf, daysAreUtc, periods } from './periods.js';
import { fillRows, headerCell } from './rows.js';
import type { Choices } from './tables.js';
import type { TimeChart } from './timeChart.js';
import { apiPath, type View } from './view.js';

/** The history of one line of the chart, as the API gave it, for the file to download. */
export interface ShownHistory {
  readonly title: string;
  readonly buckets: History['buckets'];
}

interface Line extends History {
  readonly product: number;
  readonly name: string;
  readonly details: ProductClicks;
}

/** Clicks over time: bars of all products, of one category or of one product, or a line for each of some products. */
export class ClicksChart {
  /** The lines that are shown now; empty if nothing is shown. */
  shown: readonly ShownHistory[] = [];
  readonly ask: Ask;
  readonly #view: View;
  readonly #chart: TimeChart;
  readonly #choices: Choices;
  readonly #isLeft: () => boolean;
  /** True if the bars may have to be counted in the table's files. */
  readonly isSlow: boolean;
  readonly #each: string;
  readonly #over: string;
  /** A sentence that says what the days of the chart are; empty if its buckets are shorter than a day. */
  readonly #days: string;

  /** @param isLeft tells whether another view is shown by now */
  constructor(view: View, chart: TimeChart, choices: Choices, isLeft: () => boolean) {
    this.#view = view;
    this.#chart = chart;
    this.#choices = choices;
    this.#isLeft = isLeft;
    const { period, isFine } = view;
    this.isSlow = isFine && (view.category !== undefined || view.products.length > 0);
    this.#each = chartOf(period, isFine).each;
    this.#over = periods[view.period].over;
    this.#days = chartOf(period, isFine).history.bucket === '1d' ? daysAreUtc : '';
    this.ask = view.products.length > 0 ? this.#askProducts() : this.#askAll();
    if (view.products.length < 2) fillLegend([], choices);
  }

  #historyOf(of: { category?: number | undefined; productid?: number }): Resource<History> {
    const { history } = chartOf(this.#view.period, this.#view.isFine);
    return new Resource(
      apiPath('clicks/history', { ...history, ...of }),
      this.isSlow ? longPatienceMs : undefined,
    );
  }

  #askAll(): Ask {
    const { category } = this.#view;
    const resource = this.#historyOf({ category });
    const title = category === undefined ? 'Clicks' : `Category ${category}: clicks`;
    const whole = `${title} ${this.#each}, ${this.#over}`;
    return async (key) => {
      this.#showWaiting(whole);
      try {
        const { data } = await resource.get(key);
        this.#showBars(whole, '', data);
      } catch (error) {
        if (!this.isSlow || !(error instanceof ApiProblem && isTooMuch(error))) throw error;
        if (!this.#isLeft()) this.#clear(whole, error.message);
      }
    };
  }

  #askProducts(): Ask {
    const { last } = periods[this.#view.period];
    const asks = this.#view.products.map((product) => {
      const details = new Resource<ProductClicks>(apiPath(`clicks/${product}`, { last }));
      const history = this.#historyOf({ productid: product });
      return async (key: string): Promise<Line | ApiProblem> => {
        try {
          const [of, line] = await Promise.all([details.get(key), history.get(key)]);
          return { ...line.data, product, name: of.data.name ?? `#${product}`, details: of.data };
        } catch (error) {
          // True for a product that has no count, or whose bars would be too much to count. The other products are shown all the same.
          const isToldOf = ({ status }: ApiProblem) =>
            status === 404 || (this.isSlow && isTooMuch(error as ApiProblem));
          if (error instanceof ApiProblem && isToldOf(error)) return error;
          throw error;
        }
      };
    });
    return async (key) => {
      this.#showWaiting(`Products: clicks ${this.#each}, ${this.#over}`);
      const answers = await Promise.all(asks.map((ask) => ask(key)));
      const lines = answers.flatMap((answer) => (answer instanceof ApiProblem ? [] : [answer]));
      const problems = answers.flatMap((answer) => (answer instanceof ApiProblem ? [answer.message] : []));
      if (!this.#isLeft()) this.#showProducts(lines, problems);
    };
  }

  #showProducts(lines: readonly Line[], problems: readonly string[]): void {
    const [first] = lines;
    const { products } = this.#view;
    if (!first) {
      const names = products.map((product) => `#${product}`).join(', ');
      this.#clear(`Product${products.length === 1 ? '' : 's'} ${names}`, problems.join(' '));
    } else if (products.length > 1) this.#showLines(lines, problems);
    else this.#showProduct(first);
  }

  #showProduct(line: Line): void {
    const { details } = line;
    const number = `#${details.productid}`;
    const title = details.name === undefined ? `Product ${number}` : `${details.name} (${number})`;
    const { last, words } = periods[this.#view.period];
    const category = details.category === null ? '' : `Category ${details.category}. `;
    const all = last === undefined ? `${formatNumber(details.clicks)} clicks ${words}. ` : '';
    this.#showBars(`${title}: clicks ${this.#each}, ${this.#over}`, `${category}${all}`, line);
  }

  /** Says that counting takes long, until the first answer. Otherwise the chart of the earlier view would be taken for the new one. */
  #showWaiting(title: string): void {
    if (this.isSlow && this.shown.length === 0) this.#clear(title, 'Counting in the files of the table …');
  }

  #clear(title: string, words: string): void {
    this.shown = [];
    fillLegend([], this.#choices);
    this.#chart.clear(title, words);
  }

  #showBars(title: string, before: string, { buckets, total, source }: History): void {
    if (this.#isLeft()) return;
    const most = Math.max(0, ...buckets.map(({ clicks }) => clicks));
    const each = this.#each;
    const from = source === 'lake' ? ` ${inFiles}, once a minute.` : '';
    this.shown = [{ title: 'clicks', buckets }];
    this.#chart.show({
      ...axisOf(buckets),
      title,
      words: `${before}In the chart: ${formatNumber(total)} clicks, at most ${formatNumber(most)} ${each}. The last bar is not over yet.${this.#days}${from}`,
      isBars: true,
      mark: this.#view.mark,
      lines: [
        { values: buckets.map(({ clicks }) => clicks), tell: (value) => `${formatNumber(value)} clicks` },
      ],
    });
  }

  #showLines(lines: readonly Line[], problems: readonly string[]): void {
    const buckets = lines[0]?.buckets ?? [];
    // When a new minute begins, the answers may begin at different times. The next round has them together again.
    if (lines.some((line) => line.buckets[0]?.from !== buckets[0]?.from)) return;
    const from = lines.some(({ source }) => source === 'lake') ? [`${inFiles}, once a minute.`] : [];
    this.shown = lines.map((line) => ({ title: `product ${line.product}`, buckets: line.buckets }));
    this.#chart.show({
      ...axisOf(buckets),
      title: `Products: clicks ${this.#each}, ${this.#over}`,
      words: [`The last points are not over yet.${this.#days}`, ...from, ...problems].join(' '),
      isBars: false,
      mark: this.#view.mark,
      lines: lines.map((line) => ({
        values: line.buckets.map(({ clicks }) => clicks),
        tell: (value) => `${line.name} ${formatNumber(value)}`,
      })),
    });
    fillLegend(lines, this.#choices);
  }
}

const inFiles = 'Counted in the files of the table';

function axisOf(buckets: History['buckets']) {
  const times = buckets.map(({ from }) => Date.parse(from) / 1000);
  const [first = 0, second = first + 60] = times;
  return { times, bucketSeconds: second - first, isWhole: true };
}

const nameOf = (name: string, product: number) => (name === `#${product}` ? name : `${name} (#${product})`);

/** Shows which line stands for which product. A click on a product takes its line away. */
function fillLegend(lines: readonly Line[], choices: Choices): void {
  const rows = lines.map(({ product, name, total }, index) => {
    const swatch = element('span', '', 'swatch');
    swatch.style.setProperty('--colour', `var(--line-${index + 1})`);
    swatch.dataset.dash = String(index);
    swatch.setAttribute('aria-hidden', 'true');
    const label = element('span', nameOf(name, product), 'name');
    label.title = name;
    const header = headerCell([swatch, label, ' ×'], () => choices.product(product));
    header.querySelector('button')?.setAttribute('title', 'Take this line out of the chart');
    return { key: `${index}-${product}`, header, cells: [element('td', formatNumber(total), 'number')] };
  });
  fillRows('lines', rows, 2, '');
  const table = document.getElementById('legend');
  if (table) table.hidden = lines.length === 0;
}
