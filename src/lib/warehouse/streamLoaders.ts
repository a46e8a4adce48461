import { within } from '../deadline';
import type { TableLocation } from '../delta/log';
import { TributaryError } from '../errors';
import { once } from '../once';
import type { Stream, WarehouseTable } from '../streams/stream';
import type { LoadReport } from './loadCommits';
import { LoadStatusFile, readLoadStatus, warehouseMark } from './loadStatus';
import { openWarehouse } from './openWarehouse';
import type { Staging } from './synapse/stagedFile';
import { TableLoader } from './tableLoader';
import { UnloadedCommits } from './unloadedCommits';
import { fullName, type Warehouse } from './warehouse';
import type { WarehouseSetting } from './warehouseSetting';

/** How long to wait for loads at the end, in milliseconds. It is a part of the few seconds that the host gives the app. */
const closeLimitMs = 2500;

export interface StreamLoadersOptions {
  readonly setting: WarehouseSetting;
  readonly streams: readonly Stream[];
  readonly at: (deltaTable: string) => Promise<TableLocation>;
  readonly staging?: () => Promise<Staging>;
  readonly onLoad?: (report: LoadReport) => void;
  /** @param code the code of the error if a load failed */
  readonly warn: (message: string, code?: string) => void;
}

interface LoadedStream {
  readonly stream: Stream;
  readonly table: WarehouseTable;
  readonly loader: TableLoader;
  /** Records the state of the table in the lake, for the other processes. */
  readonly statusFile: LoadStatusFile;
}

/** The loaders of all streams in this process. They share one warehouse, which is opened at its first use. */
export class StreamLoaders {
  readonly #options: StreamLoadersOptions;
  readonly #loaded: readonly LoadedStream[];
  readonly #warehouse = once(() => this.#openWarehouse());

  constructor(options: StreamLoadersOptions) {
    this.#options = options;
    const { at, onLoad, warn } = options;
    this.#loaded = options.streams.flatMap((stream) => {
      const { warehouse: table } = stream;
      if (!table || options.setting.kind === 'none') return [];
      const commits = once(async () => new UnloadedCommits(await at(stream.table)));
      const statusFile = new LoadStatusFile({
        store: async () => (await at(stream.table)).store,
        table: fullName(table),
        warn,
      });
      const loader = new TableLoader({
        table,
        commits,
        warehouse: this.#warehouse,
        // A DuckDB file is asked in any case: asking it wakes nothing, and it may have been deleted.
        ...(options.setting.kind === 'sql' && {
          recorded: async ({ name }: Warehouse) => {
            const found = await readLoadStatus((await at(stream.table)).store, fullName(table));
            return found?.warehouse === warehouseMark(name) ? found : undefined;
          },
        }),
        ...(onLoad ? { onLoad } : {}),
        onStatus: (status) => statusFile.changed(status),
        warn,
      });
      return [{ stream, table, loader, statusFile }];
    });
  }

  /** Asks for a stream's new rows to be loaded soon. Returns at once and never throws. */
  nudge(stream: Stream): void {
    this.#loaded.find((one) => one.stream.name === stream.name)?.loader.nudge();
  }

  /** Loads the missing rows of all streams. No load begins after the limit. */
  async catchUp(limitMs: number): Promise<void> {
    await Promise.all(this.#loaded.map(({ loader }) => loader.catchUp(limitMs)));
  }

  /**
   * Ends the loads between two steps, and then the connections. A load that does not end is abandoned, which is safe because of the ledger.
   */
  async close(): Promise<void> {
    const stopped = Promise.all(this.#loaded.map(({ loader }) => loader.stop()));
    await within(closeLimitMs, () => stopped).catch(() => {});
    const recorded = Promise.all(this.#loaded.map(({ statusFile }) => statusFile.end()));
    await within(closeLimitMs / 5, () => recorded).catch(() => {});
    const warehouse = this.#warehouse.forget();
    // The connections are closed after the load that uses them has ended.
    if (warehouse) {
      const closed = warehouse.then((open) => open.close());
      await within(closeLimitMs / 5, () => closed).catch(() => {});
    }
  }

  async #openWarehouse(): Promise<Warehouse> {
    const { setting, staging, warn } = this.#options;
    const opened = await openWarehouse({
      setting,
      tables: this.#loaded.map(({ table }) => table),
      ...(staging && setting.kind === 'sql' ? { staging: await staging() } : {}),
      warn,
    });
    if (opened) return opened;
    throw new TributaryError('warehouse.refused', 'WAREHOUSE is none.');
  }
}
