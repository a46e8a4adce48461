import { SpacedRefresh } from '../spacedRefresh';
import type { ObjectStore } from '../storage/objectStore';
import type { Preferred } from './decideKept';

/** The path of the optional file of names in the lake's container. */
export const productNamesPath = 'products.csv';

const refreshMs = 30_000;
/** How long not to ask again after a failure: every answer wants the names, but is given without them as well. */
const retryMs = 5000;

export interface NamesView {
  /** Changes when the names change; empty if there are none. */
  readonly tag: string;
  /** By product id. */
  readonly names: ReadonlyMap<number, string>;
}

const none: NamesView = { tag: '', names: new Map() };

/** The names of products from an optional `products.csv`, which is read again every half a minute. */
export class ProductNames {
  readonly #store: ObjectStore;
  readonly #refresh: SpacedRefresh;
  #view = none;
  #etag: string | undefined;
  #wasRead = false;

  /** @param monotonicNow milliseconds on a clock that only goes forward */
  constructor(store: ObjectStore, monotonicNow: () => number = () => performance.now()) {
    this.#store = store;
    this.#refresh = new SpacedRefresh({
      refresh: () => this.#read(),
      everyMs: refreshMs,
      retryMs: () => retryMs,
      monotonicNow,
    });
  }

  /** The names as they were last read, even if the file cannot be read now. */
  get last(): NamesView {
    return this.#view;
  }

  /** The names as they are now, at most half a minute old. Throws what the store throws. */
  async current(): Promise<NamesView> {
    await this.#refresh.run();
    return this.#view;
  }

  /** The products that are counted first: those that have a name, as far as the file was ever read. */
  async preferred(): Promise<Preferred> {
    const { names, tag } = await this.current().catch(() => this.last);
    return { keys: new Set(names.keys()), tag: this.#wasRead ? tag : undefined };
  }

  async #read(): Promise<void> {
    const found = await this.#store.get(productNamesPath);
    this.#wasRead = true;
    if (found?.etag === this.#etag) return;
    this.#etag = found?.etag;
    this.#view = found
      ? {
          tag: found.etag.replace(/[^A-Za-z0-9]/g, ''),
          names: parseProductNames(Buffer.from(found.bytes).toString('utf8')),
        }
      : none;
  }
}

/**
 * Reads CSV (RFC 4180) with the columns productid and name. A first line with titles may put them in another order and have more
 * columns. A line without a whole number and a name is skipped, because names only help readers and must not stop the counts.
 */
export function parseProductNames(text: string): Map<number, string> {
  const records = parseCsv(text.replace(/^\uFEFF/, ''));
  const titles = records[0]?.map((title) => title.trim().toLowerCase()) ?? [];
  const hasTitles = titles.includes('productid') && titles.includes('name');
  const [idAt, nameAt] = hasTitles ? [titles.indexOf('productid'), titles.indexOf('name')] : [0, 1];
  const names = new Map<number, string>();
  for (const record of hasTitles ? records.slice(1) : records) {
    const id = record[idAt]?.trim() ?? '';
    const name = record[nameAt]?.trim().toWellFormed() ?? '';
    if (/^-?\d{1,15}$/.test(id) && name !== '') names.set(Number(id), name);
  }
  return names;
}

/**
 * A field, then a comma, a line end or the end of the text. In a field in quotes, "" stands for a quote. If a field does not begin and
 * end with a quote, each quote in it belongs to its text, like the inches of `19" monitor`.
 */
const csvField = /(?:[ \t]*"((?:[^"]|"")*)"[ \t]*(?=[,\r\n]|$)|([^,\r\n]*))(,|\r\n?|\n|$)/g;

function parseCsv(text: string): string[][] {
  const records: string[][] = [];
  let record: string[] = [];
  for (const [, quoted, plain = '', end] of text.matchAll(csvField)) {
    record.push(quoted?.replaceAll('""', '"') ?? plain);
    if (end === ',') continue;
    records.push(record);
    record = [];
  }
  return records;
}
