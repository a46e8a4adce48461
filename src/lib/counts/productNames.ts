import { SpacedRefresh } from '../spacedRefresh';
import type { ObjectStore } from '../storage/objectStore';
import type { Preferred } from './decideKept';
import { type ProductsFile, productsPath, readProducts } from './productsFile';

const refreshMs = 30_000;
/** How long the names are not asked for again after a failure, in milliseconds. Every answer wants them, but can be given without them. */
const retryMs = 5000;

export interface NamesView {
  /** Changes when the names change; empty if there are none. */
  readonly tag: string;
  /** The names, by product id. */
  readonly names: ReadonlyMap<number, string>;
}

const none: NamesView = { tag: '', names: new Map() };

export interface ProductNamesOptions {
  /** Milliseconds on a clock that only goes forward. */
  readonly monotonicNow?: () => number;
  /** Called once for each version of the file. */
  readonly onRead?: (file: ProductsFile) => void;
}

/** The names of products from an optional `products.csv`, which is read again every half a minute. */
export class ProductNames {
  readonly #store: ObjectStore;
  readonly #refresh: SpacedRefresh;
  #view = none;
  #etag: string | undefined;
  #wasRead = false;
  readonly #onRead: (file: ProductsFile) => void;

  constructor(store: ObjectStore, options: ProductNamesOptions = {}) {
    const { monotonicNow = () => performance.now(), onRead = () => {} } = options;
    this.#store = store;
    this.#onRead = onRead;
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
    const found = await this.#store.get(productsPath);
    this.#wasRead = true;
    if (found?.etag === this.#etag) return;
    this.#etag = found?.etag;
    this.#view = none;
    if (!found) return;
    const file = readProducts(found.bytes);
    this.#view = { tag: found.etag.replace(/[^A-Za-z0-9]/g, ''), names: file.names };
    this.#onRead(file);
  }
}
