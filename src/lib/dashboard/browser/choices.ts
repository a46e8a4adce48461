import { byId, inputById, setMessage } from './elements.js';
import { comparisons, offeredIn, periods, pricePeriods, whyNotCompared } from './periods.js';
import type { Choices } from './tables.js';
import {
  mostProducts,
  readCompare,
  readPeriod,
  readPricePeriod,
  readView,
  type View,
  writeView,
} from './view.js';

/** A search begins when the reader stops typing for this long, because it asks for all products. */
const pauseMs = 300;
const tabs = ['clicks', 'assets'] as const;

/** The controls with which a reader chooses what is shown. The chosen view is kept in the page's address. */
export class Controls implements Choices {
  readonly #onChange: (view: View) => void;
  #view: View;
  #typing = 0;

  constructor(onChange: (view: View) => void) {
    this.#onChange = onChange;
    this.#view = readView(location.hash);
    for (const input of radios('period', periods))
      input.addEventListener('change', () => this.#choose({ period: readPeriod(input.value) }));
    for (const input of compareRadios())
      input.addEventListener('change', () => this.#choose({ compare: readCompare(input.value) }));
    inputById('fine').addEventListener('change', () => this.#choose({ isFine: inputById('fine').checked }));
    for (const input of radios('prices', pricePeriods))
      input.addEventListener('change', () => this.#choose({ prices: readPricePeriod(input.value) }));
    this.#listenForSearch('search', 'choices', (search) => ({ search }));
    this.#listenForSearch('find', 'asset-choices', (assetSearch) => ({ assetSearch }));
    for (const id of ['mark', 'mark-label']) inputById(id).addEventListener('change', () => this.#mark());
    byId('mark-form').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#mark();
    });
    byId('no-mark').addEventListener('click', () => {
      this.#choose({ mark: undefined });
      fill('mark', '');
      fill('mark-label', '');
      inputById('mark').focus();
    });
    for (const tab of tabs)
      byId(`tab-${tab}`).addEventListener('click', (event) => {
        event.preventDefault();
        this.#choose({ tab });
      });
    byId('all-categories').addEventListener('click', () => this.#undo({ category: undefined }));
    byId('all-products').addEventListener('click', () => this.#undo({ products: [] }));
    this.#replaceAddress();
    this.#showChosen();
  }

  get view(): View {
    return this.#view;
  }

  /** Chooses a category, or takes the choice back if this category is already chosen. */
  category(category: number): void {
    this.#choose({ category: category === this.#view.category ? undefined : category });
  }

  /** Adds a product to the chart, or takes it away if it is already there. */
  product(product: number): void {
    const { products } = this.#view;
    const others = products.filter((one) => one !== product);
    if (others.length === mostProducts) {
      const full = `The chart has ${mostProducts} products, which is as many as it can show.`;
      setMessage('choice-problem', `${full} Click one of them again to take it out first.`);
      return;
    }
    this.#choose({ products: others.length < products.length ? others : [...products, product] });
    byId('history-title').scrollIntoView({ block: 'nearest' });
  }

  /** Shows an asset over time, or stops showing it if it is already shown. */
  asset(asset: string): void {
    this.#choose({ asset: asset === this.#view.asset ? undefined : asset });
    byId('price-section').scrollIntoView({ block: 'nearest' });
  }

  /** Takes over the view of the address after the back button or a pasted link has changed it. */
  readAddress(): void {
    window.clearTimeout(this.#typing);
    const view = readView(location.hash);
    const isSame = writeView(view) === writeView(this.#view);
    this.#view = view;
    this.#replaceAddress();
    if (isSame) return;
    this.#showChosen();
    this.#onChange(view);
  }

  /** Takes the marked time from its inputs, which are in the reader's time zone. */
  #mark(): void {
    const atMs = Date.parse(inputById('mark').value);
    const label = inputById('mark-label').value.trim();
    this.#choose({ mark: Number.isNaN(atMs) ? undefined : { atMs, label } }, true);
  }

  #listenForSearch(id: string, form: string, changeOf: (text: string) => Partial<View>): void {
    const search = () => {
      window.clearTimeout(this.#typing);
      this.#choose(changeOf(inputById(id).value.trim()), true);
    };
    inputById(id).addEventListener('input', () => {
      window.clearTimeout(this.#typing);
      this.#typing = window.setTimeout(search, pauseMs);
    });
    byId(form).addEventListener('submit', (event) => {
      event.preventDefault();
      search();
    });
  }

  /** Takes a choice back. Its button then disappears, so the focus goes to the first choice. */
  #undo(change: Partial<View>): void {
    this.#choose(change);
    for (const input of radios('period', periods)) if (input.checked) input.focus();
  }

  /** @param isTyping true while a search is typed. Then no entry is added to the browser's history for each letter */
  #choose(change: Partial<View>, isTyping = false): void {
    const before = this.#view;
    const view = { ...before, ...change };
    const isFine = view.isFine && periods[view.period].finer !== undefined;
    this.#view = { ...view, isFine, compare: offeredIn(view.period, view.compare) };
    const fragment = writeView(this.#view);
    if (fragment === writeView(before)) return;
    if (isTyping) this.#replaceAddress();
    else history.pushState(null, '', addressOf(this.#view));
    this.#showChosen();
    this.#onChange(this.#view);
  }

  /** Writes the view to the address. Everything else in it, such as a key, is removed. */
  #replaceAddress(): void {
    if (location.hash !== '' || writeView(this.#view) !== '')
      history.replaceState(null, '', addressOf(this.#view));
  }

  #showChosen(): void {
    const { period, compare = 'none', category, products, search, prices, assetSearch } = this.#view;
    for (const input of radios('period', periods)) input.checked = input.value === period;
    for (const input of compareRadios()) {
      input.checked = input.value === compare;
      input.disabled = input.value !== 'none' && !offeredIn(period, readCompare(input.value));
    }
    const fine = inputById('fine');
    fine.checked = this.#view.isFine;
    fine.disabled = periods[period].finer === undefined;
    setMessage('not-compared', whyNotCompared(period));
    setMessage('choice-problem', '');
    for (const input of radios('prices', pricePeriods)) input.checked = input.value === prices;
    for (const tab of tabs) byId(`tab-${tab}`).setAttribute('href', addressOf({ ...this.#view, tab }) || '#');
    fill('search', search);
    fill('find', assetSearch);
    showMark(this.#view);
    showUndo('all-categories', 'Category', category === undefined ? undefined : String(category));
    const numbers = products.map((product) => `#${product}`).join(', ');
    showUndo('all-products', products.length === 1 ? 'Product' : 'Products', numbers || undefined);
  }
}

/** Sets the text of an input, unless it has this text already, so that typing is not disturbed. */
function fill(id: string, text: string): void {
  const input = inputById(id);
  if (input.value.trim() !== text) input.value = text;
}

/** Shows the mark in its inputs. Without a mark, they keep what the reader has begun to type. */
function showMark({ mark }: View): void {
  byId('no-mark').hidden = mark === undefined;
  if (!mark) return;
  const local = new Date(mark.atMs - new Date(mark.atMs).getTimezoneOffset() * 60_000);
  fill('mark', local.toISOString().slice(0, 16));
  fill('mark-label', mark.label);
}

/** Shows the button that takes a choice back, as long as there is a choice. */
function showUndo(id: string, what: string, chosen: string | undefined): void {
  setMessage(id, chosen === undefined ? '' : `${what} ${chosen} ×`);
  byId(id).setAttribute('aria-label', `${what} ${chosen ?? ''}: show all again`);
}

function addressOf(view: View): string {
  const fragment = writeView(view);
  return `${location.pathname}${location.search}${fragment === '' ? '' : `#${fragment}`}`;
}

const radios = (group: string, values: Readonly<Record<string, unknown>>): readonly HTMLInputElement[] =>
  Object.keys(values).map((value) => inputById(`${group}-${value}`));

const compareRadios = () => radios('compare', { none: undefined, ...comparisons });
