import { performance } from 'node:perf_hooks';
import { within } from '../deadline';
import { followState, type TableFollower } from '../delta/follow';
import type { TableLocation } from '../delta/log';
import { describeFailure, TributaryError } from '../errors';
import { once } from '../once';
import type { Stream, WarehouseTable } from '../streams/stream';
import type { LoadReport } from './catchUp';
import { openWarehouse } from './openWarehouse';
import type { Staging } from './synapse/stagedFile';
import { type LoaderStatus, TableLoader } from './tableLoader';
import { UnloadedCommits } from './unloadedCommits';
import type { Warehouse } from './warehouse';
import { readLag, type TableLag } from './warehouseLag';
import type { WarehouseSetting } from './warehouseSetting';

/** How long the health of the warehouse is reused, however many requests come. */
const healthAgeMs = 10_000;
const healthLimitMs = 10_000;
/** How long to wait for loads at the end: a part of the few seconds that the host gives the app. */
const closeLimitMs = 2500;

export interface StreamLoadersOptions {
  readonly setting: WarehouseSetting;
  readonly streams: readonly Stream[];
  readonly at: (deltaTable: string) => Promise<TableLocation>;
  readonly staging?: () => Promise<Staging>;
  readonly onLoad?: (report: LoadReport) => void;
  readonly warn: (message: string) => void;
}

/** The warehouse in GET /api/health: states and numbers, no names of servers, no messages. */
export interface WarehouseHealth {
  readonly kind: WarehouseSetting['kind'];
  readonly status: 'ok' | 'degraded';
  /** The code of the error for which the state of the tables is unknown. */
  readonly error?: string;
  /**
   * False if the ledger has no columns for marks and this app may not add them. Rows are still loaded, but it is not noticed when
   * the lake went back in time.
   */
  readonly keepsMarks?: boolean;
  readonly tables: readonly LoadedTable[];
}

type LoadedTable = TableLag & { readonly loader: string };

interface LoadedStream {
  readonly stream: Stream;
  readonly table: WarehouseTable;
  /** Follows the table's newest version, to tell how far the warehouse is behind. */
  readonly head: () => Promise<TableFollower>;
  readonly loader: TableLoader;
}

/** The loaders of all streams in this process. They share one warehouse, which is opened at its first use. */
export class StreamLoaders {
  readonly #options: StreamLoadersOptions;
  readonly #loaded: readonly LoadedStream[];
  readonly #warehouse = once(() => this.#openWarehouse());
  #health: { readonly at: number; readonly answer: Promise<WarehouseHealth> } | undefined;

  constructor(options: StreamLoadersOptions) {
    this.#options = options;
    const { at, onLoad, warn } = options;
    this.#loaded = options.streams.flatMap((stream) => {
      const { warehouse: table } = stream;
      if (!table || options.setting.kind === 'none') return [];
      const head = once(async () => followState(await at(stream.table)));
      const commits = once(async () => new UnloadedCommits(await at(stream.table)));
      const loader = new TableLoader({
        table,
        commits,
        warehouse: this.#warehouse,
        ...(onLoad ? { onLoad } : {}),
        warn,
      });
      return [{ stream, table, head, loader }];
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

  /** How far the tables are behind. Never rejects: if the warehouse cannot be asked, the answer is `degraded`. */
  health(): Promise<WarehouseHealth> {
    if (!this.#health || performance.now() - this.#health.at > healthAgeMs)
      this.#health = { at: performance.now(), answer: this.#readHealth() };
    return this.#health.answer;
  }

  /** Ends the loads between two steps, then the connections. A load that hangs is abandoned, which the ledger makes safe. */
  async close(): Promise<void> {
    const stopped = Promise.all(this.#loaded.map(({ loader }) => loader.stop()));
    await within(closeLimitMs, () => stopped).catch(() => {});
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

  async #readHealth(): Promise<WarehouseHealth> {
    const { kind } = this.#options.setting;
    if (this.#loaded.length === 0) return { kind, status: 'ok', tables: [] };
    try {
      const lags = await within(healthLimitMs, () => this.#readLags(), noAnswer);
      const tables = lags.map((lag, index) => describeTable(lag, this.#loaded[index]?.loader.status));
      const failing = tables.some(({ needsRebuild, loader }) => needsRebuild || loader === 'failed');
      const keepsMarks = (await this.#warehouse()).keepsMarks() !== false;
      return { kind, status: failing || !keepsMarks ? 'degraded' : 'ok', keepsMarks, tables };
    } catch (error) {
      return { kind, status: 'degraded', error: describeFailure(error).code, tables: [] };
    }
  }

  async #readLags(): Promise<TableLag[]> {
    const warehouse = await this.#warehouse();
    const tables = this.#loaded.map(async ({ head, table }) => ({ head: await head(), table }));
    return readLag({ warehouse, tables: await Promise.all(tables) });
  }
}

/**
 * The ledger and the log tell the lag, and only the loader knows whether data files are gone. Its finding counts as long as the table
 * stands where the loader found it: after a rebuild it may take minutes until the loader has caught up and says something else.
 */
function describeTable(lag: TableLag, status: LoaderStatus = { state: 'idle' }): LoadedTable {
  const isOutdated = status.state === 'needs-rebuild' && status.version !== lag.loadedVersion;
  const { state: loader, reason = lag.reason } = isOutdated ? { state: 'behind' } : status;
  const needsRebuild = lag.needsRebuild || loader === 'needs-rebuild';
  return { ...lag, needsRebuild, ...(needsRebuild && reason ? { reason } : {}), loader };
}

function noAnswer(): never {
  throw new TributaryError('warehouse.unavailable', `No answer in ${healthLimitMs / 1000} s.`);
}
