import { setTimeout as sleep } from 'node:timers/promises';
import { rowKeyColumns } from '../../src/lib/lake/rowAddress';
import { integerBetween, type Random } from '../../src/lib/sources/seededRandom';
import { openAzureBlobStore } from '../../src/lib/storage/azureBlobStore';
import { loadStreams } from '../../src/lib/streams/loadStreams';
import { openSynapse } from '../../src/lib/warehouse/synapse/synapseWarehouse';
import { TdsServer } from '../kit/tds/tdsServer';
import { checksum, clickColumns, readDelta, readServer } from '../kit/warehouseRows';
import { settle } from './settle';

/** Milliseconds between two connections that break at a commit. */
const pauseMs = { least: 1000, most: 6000 };
/** Milliseconds that a batch waits in the database, so that the loads of two hosts overlap. */
const holdMs = { least: 1000, most: 5000 };
/** The same for the statement with which a rebuild turns loads away: long enough that the table passes the shadow meanwhile. */
const turnAwayMs = { least: 10_000, most: 15_000 };
/** If nothing is loaded for this long, loading is stuck. Longer than the minute between two catch-ups. */
const stuckMs = 90_000;

export const table = 'clickstream.clicks';
const rejects = 'ops.rejected_rows';

/** Starts a busy database with the tables of all streams. It is a dedicated pool, which reads staged files from the lake, or SQL Server. */
export async function startWarehouse(connectionString: string, random: Random): Promise<TdsServer> {
  const lake = await openAzureBlobStore({ connectionString }, 'lake');
  const server = await TdsServer.start({
    dialect: random() < 0.5 ? 'pool' : 'server',
    fetchStaged: async (url) => (await lake.get(url.slice(url.indexOf('/lake/') + '/lake/'.length)))?.bytes,
  });
  server.keepBatches = false;
  const warehouse = openSynapse({ address: server.address });
  await warehouse.init((await loadStreams()).flatMap(({ warehouse: one }) => (one ? [one] : [])));
  await warehouse.close();
  server.hold = {
    batch: /BEGIN TRANSACTION|SET delta_id = 'replace:/,
    ms: (batch) => {
      const { least, most } = batch.includes("'replace:") ? turnAwayMs : holdMs;
      return integerBetween(random, least, most);
    },
  };
  return server;
}

/** Waits until a version is loaded. The pool's loads take seconds. */
export async function untilLoaded(server: TdsServer, version: number): Promise<void> {
  const isLoaded = () =>
    server
      .rows('ops.load_ledger')
      .some((row) => row.table_name === table && Number(row.last_version) >= version);
  const giveUpAt = Date.now() + stuckMs;
  while (!isLoaded() && Date.now() < giveUpAt) await sleep(100);
}

/** Breaks connections of loaders before and after their commits, until it is stopped. */
export class CommitBreaker {
  /** Connections that broke. */
  broken = 0;
  /** While this is set, no further break is planned. */
  paused = false;
  readonly #stopping = new AbortController();
  readonly #breaking: Promise<void>;

  constructor(server: TdsServer, random: Random) {
    this.#breaking = this.#run(server, random);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#breaking;
  }

  async #run(server: TdsServer, random: Random): Promise<void> {
    const { signal } = this.#stopping;
    let planned = 0;
    while (!signal.aborted) {
      if (server.planned === 0 && !this.paused) {
        planned++;
        server.plan({ drop: random() < 0.5 ? 'before-commit' : 'after-commit' });
      }
      await sleep(integerBetween(random, pauseMs.least, pauseMs.most), undefined, { signal }).catch(() => {});
    }
    this.broken = planned - server.planned;
  }
}

/** Waits for the loaders, and compares the warehouse with the Delta table: rows + rejected = Delta rows. Returns the problems. */
export async function compareWarehouse(
  server: TdsServer,
  connectionString: string,
  log: (line: string) => void,
): Promise<string[]> {
  const delta = await readDelta(connectionString, 'clicks', clickColumns);
  const started = Date.now();
  const loaded = async () => server.rows(table).length + server.rows(rejects).length;
  const count = await settle({ read: loaded, wanted: delta.length, stuckMs });
  const rows = readServer(server, table, clickColumns);
  const rejected = readServer(server, rejects, rowKeyColumns);
  log(
    `warehouse: ${rows.length} rows and ${rejected.length} rejected where the Delta table has ${delta.length}, ` +
      `${((Date.now() - started) / 1000).toFixed(1)} s later`,
  );
  if (count !== delta.length)
    return [`The warehouse has ${count} rows and rejected rows, the Delta table ${delta.length} rows.`];
  const isRejected = new Set(rejected.map((address) => address.join('|')));
  const fitting = delta.filter((row) => !isRejected.has(row.slice(0, rowKeyColumns.length).join('|')));
  const [wanted, found] = [checksum(fitting), checksum(rows)];
  if (found !== wanted)
    return [`The warehouse's rows have the checksum ${found}, the Delta table's ${wanted}.`];
  log(`warehouse: checksum ${found.slice(0, 16)}… is that of the Delta table`);
  return [];
}
