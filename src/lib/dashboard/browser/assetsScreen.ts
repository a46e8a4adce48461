import {
  ApiProblem,
  type Asset,
  type AssetHistory,
  type Assets,
  askCsv,
  type Reply,
  Resource,
} from './api.js';
import { findAssets, formatPrice, showAssets } from './assetTable.js';
import { onlyRows } from './download.js';
import { byId, formatTime, setText } from './elements.js';
import { Parts } from './parts.js';
import { pricePeriods } from './periods.js';
import type { Screen, ShownFile } from './screen.js';
import type { TimeChart } from './timeChart.js';
import { apiPath, type View } from './view.js';

/** The most assets in the table, which is as many as a reader looks through. The file to download has all of them. */
const mostShown = 100;

/** Ids that a browser takes for a folder when they are part of an address. The API cannot be asked for them. */
const folders: readonly string[] = ['.', '..'];

/** The screen of the assets: asks the API for what the view needs, and shows the answers. */
export class AssetsScreen implements Screen {
  readonly parts = new Parts();
  readonly files: Readonly<Record<string, ShownFile>>;
  readonly #view: View;
  readonly #chart: TimeChart;
  readonly #choose: (id: string) => void;
  readonly #assets = new Resource<Assets>('assets');
  #found: readonly Asset[] = [];

  /** @param choose is called with the id of an asset that is clicked */
  constructor(view: View, chart: TimeChart, choose: (id: string) => void) {
    this.#view = view;
    this.#chart = chart;
    this.#choose = choose;
    const { asset, assetSearch, prices } = view;
    const historyPath = apiPath(
      `assets/${encodeURIComponent(asset ?? '')}/history`,
      pricePeriods[prices].history,
    );
    this.files = {
      'assets-csv': {
        name: assetSearch === '' ? 'assets' : `assets-${assetSearch}`,
        make: async (key) => {
          const csv = await askCsv('assets', key);
          return assetSearch === '' ? csv : onlyRows(csv, new Set(this.#found.map(({ id }) => id)));
        },
      },
      'prices-csv': { name: `prices-${asset}-${prices}`, make: (key) => askCsv(historyPath, key) },
    };
    byId('price-section').hidden = asset === undefined;
    if (asset !== undefined) this.parts.add(5000, this.#askPrices(asset, historyPath));
  }

  async first(key: string): Promise<Reply<Assets>> {
    const reply = await this.#assets.get(key);
    if (reply.changed && !this.parts.isLeft) this.#show(reply.data);
    return reply;
  }

  tick(): void {}

  #show({ assets, complete }: Assets): void {
    this.#found = findAssets(assets, this.#view.assetSearch);
    const shown = this.#found.slice(0, mostShown);
    showAssets(shown, this.#view.asset, this.#choose);
    const isCut = shown.length < this.#found.length;
    const which = this.#view.assetSearch === '' ? 'assets' : 'assets found';
    const first = isCut
      ? `The first ${shown.length} of ${this.#found.length} ${which}, best rank first.`
      : `${shown.length} ${which}, best rank first.`;
    const more = complete ? '' : ' There are more, of which those with the oldest prices are left out.';
    setText('assets-words', `${first}${more} Prices are in US dollars, as CoinCap tells them.`);
  }

  #askPrices(id: string, path: string): (key: string) => Promise<void> {
    const one = new Resource<{ asset: Asset }>(`assets/${encodeURIComponent(id)}`);
    const history = new Resource<AssetHistory>(path);
    return async (key) => {
      if (folders.includes(id)) {
        this.#chart.clear(`Asset ${id}`, 'The prices of an asset with such an id cannot be asked for.');
        return;
      }
      try {
        const [{ asset }, prices] = (await Promise.all([one.get(key), history.get(key)])).map(
          ({ data }) => data,
        ) as [{ asset: Asset }, AssetHistory];
        if (!this.parts.isLeft) this.#showPrices(asset, prices);
      } catch (error) {
        if (!(error instanceof ApiProblem) || error.status !== 404) throw error;
        if (!this.parts.isLeft) this.#chart.clear(`Asset ${id}`, error.message);
      }
    };
  }

  #showPrices({ id, asset_name: name }: Asset, { buckets, from, to }: AssetHistory): void {
    const { each, over, bucketSeconds } = pricePeriods[this.#view.prices];
    const title = `${name ?? id}: price in US dollars, ${over}`;
    const priced = buckets.flatMap(({ from: at, priceUsd }) => (priceUsd === null ? [] : [{ at, priceUsd }]));
    const [first, last] = [priced[0], priced.at(-1)];
    if (!first || !last) {
      this.#chart.clear(title, `There is no price ${over}.`);
      return;
    }
    const prices = priced.map(({ priceUsd }) => priceUsd);
    const extremes = `Between ${formatPrice(Math.min(...prices))} and ${formatPrice(Math.max(...prices))}`;
    this.#chart.show({
      title,
      words: `${extremes}; ${formatPrice(last.priceUsd)} at the end. Each point is the newest price of ${each}; the first is of ${formatTime(Date.parse(first.at))}.`,
      isBars: false,
      mark: this.#view.mark,
      isWhole: false,
      bucketSeconds,
      times: priced.map(({ at }) => Date.parse(at) / 1000),
      range: [Date.parse(from) / 1000, Date.parse(to) / 1000],
      lines: [{ values: prices, tell: formatPrice }],
    });
  }
}
