import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { serialize } from 'node:v8';
import { onTestFinished } from 'vitest';
import { once, oncePerKey } from '../../../src/lib/once';
import { clickstream } from '../../../src/lib/streams/clickstream';
import type { WarehouseTable } from '../../../src/lib/streams/stream';
import { parseConnectionString, type SqlAddress } from '../../../src/lib/warehouse/connectionString';
import { openDuckDbFile } from '../../../src/lib/warehouse/duckdb/duckDbWarehouse';
import { SqlClient } from '../../../src/lib/warehouse/synapse/sqlClient';
import { openSynapse } from '../../../src/lib/warehouse/synapse/synapseWarehouse';
import type { Dialect } from '../../../src/lib/warehouse/synapse/tables';
import type { Load, Warehouse } from '../../../src/lib/warehouse/warehouse';
import { assetTable } from '../../kit/assetStream';
import { TdsServer } from '../../kit/tds/tdsServer';
import { type EarlierLoader, earlierDuckDbLoader, earlierSqlLoader, onDuckDbFile } from './earlierLoader';

export const clicksAt = clickstream.warehouse as WarehouseTable;
export const assetsAt = assetTable;

const realServer = process.env.SYNAPSE_TEST_CONNECTION;

/** Every warehouse that a contract is held to, by name. */
export const implementations: readonly (readonly [string, () => Promise<Harness>])[] = [
  ['DuckDB', duckDbHarness],
  ['Synapse, on the TDS server', tdsHarness],
  ['SQL Server, on a TDS server whose connections and tables are kept', keptHarness],
  ...(realServer
    ? [
        [
          'Synapse, on SYNAPSE_TEST_CONNECTION',
          () => realSqlHarness(realServer, [clicksAt, assetsAt]),
        ] as const,
      ]
    : []),
];

const poolHeap = ' WITH (DISTRIBUTION = ROUND_ROBIN, HEAP)';

/** A warehouse under test. */
export interface Harness {
  /** Another loader's access to the warehouse; if possible, a connection of its own. */
  open(): Warehouse;
  /** A warehouse of a process that starts now. */
  restart(): Promise<Warehouse>;
  /** A loader of before there were marks, on the same warehouse. */
  readonly earlier: EarlierLoader;
  /** Runs a statement, as people who have the right to change the tables may do. */
  execute(sql: string): Promise<void>;
  /** Runs a load in a loader that is killed around its commit. */
  loadAndDie(load: Load, when: 'before-commit' | 'after-commit'): Promise<void>;
  close(): Promise<void>;
}

/** A warehouse under test, which is closed after the test, and one loader's access to it that has made the tables of these tests. */
export async function openWithTables(make: () => Promise<Harness>) {
  const harness = await make();
  onTestFinished(() => harness.close());
  const warehouse = harness.open();
  await warehouse.init([clicksAt, assetsAt]);
  return { harness, warehouse };
}

interface TdsHarness extends Harness {
  readonly server: TdsServer;
  readonly client: SqlClient;
  /** What the warehouses have warned of. */
  readonly warnings: string[];
}

export async function tdsHarness(dialect: Dialect = 'pool'): Promise<TdsHarness> {
  const server = await TdsServer.start({ dialect });
  const opened: Warehouse[] = [];
  const warnings: string[] = [];
  const open = () => {
    const warehouse = openSynapse({ address: server.address, warn: (message) => warnings.push(message) });
    opened.push(warehouse);
    return warehouse;
  };
  const client = new SqlClient(server);
  return {
    server,
    client,
    warnings,
    open,
    restart: async () => open(),
    earlier: earlierSqlLoader(client, dialect === 'pool' ? poolHeap : ''),
    execute: async (sql) => void (await client.batch(`${sql};`)),
    async loadAndDie(load, when) {
      server.plan({ drop: when });
      const dying = open();
      // Its connections are cut at the commit, and it is killed before it can do anything else.
      await dying.load(load).catch(() => {});
    },
    async close() {
      for (const warehouse of opened) await warehouse.close();
      await client.close();
      await server.close();
    },
  };
}

const keptServer = once(() =>
  TdsServer.start({ dialect: 'server', noCount: true }).then((server) => ({
    server,
    warehouse: openSynapse({ address: server.address }),
    client: new SqlClient(server),
  })),
);

/**
 * One server for all tests of a file, as a real one would be. Its connections begin with NOCOUNT ON, and are used by one test after
 * the other.
 */
async function keptHarness(): Promise<Harness> {
  const { server, warehouse, client } = await keptServer();
  const tables = [clicksAt, assetsAt];
  await dropTables(client, tables);
  return keptSql({
    warehouse,
    client,
    heap: '',
    tables,
    address: server.address,
    die: (when) => server.plan({ drop: when }),
  });
}

/** A real server: a database that may be written to. What an earlier run left in it is dropped. */
async function realSqlHarness(connectionString: string, tables: readonly WarehouseTable[]): Promise<Harness> {
  const address = parseConnectionString(connectionString);
  const client = new SqlClient({ address });
  await dropTables(client, tables);
  const { rows } = await client.batch("SELECT CAST(SERVERPROPERTY('EngineEdition') AS int) AS edition;");
  const heap = Number(rows[0]?.edition) === 6 ? poolHeap : '';
  const warehouse = realWarehouse(connectionString);
  return keptSql({ warehouse, client, heap, tables, address });
}

const realWarehouse = oncePerKey((connectionString: string) =>
  openSynapse({ address: parseConnectionString(connectionString) }),
);

/** Drops the tables, their shadows, and those of the ledger. */
async function dropTables(client: SqlClient, tables: readonly WarehouseTable[]): Promise<void> {
  const { rows } = await client.batch(
    "SELECT SCHEMA_NAME(schema_id) AS schema_name, name FROM sys.objects WHERE type = 'U';",
  );
  const isOurs = (schema: string, name: string) =>
    schema === 'ops' ||
    tables.some(
      (table) => table.schema === schema && (name === table.name || name.startsWith(`${table.name}__`)),
    );
  for (const { schema_name, name } of rows)
    if (isOurs(String(schema_name), String(name)))
      await client.batch(`DROP TABLE [${schema_name}].[${name}];`);
}

interface KeptSql {
  /** It stays open after the test. */
  readonly warehouse: Warehouse;
  readonly client: SqlClient;
  /** What a table of the ledger needs after its columns. */
  readonly heap: string;
  readonly tables: readonly WarehouseTable[];
  readonly address: SqlAddress;
  /** Plans that the connection of the next commit breaks; without it, the loader's connections are closed. */
  readonly die?: (when: 'before-commit' | 'after-commit') => void;
}

function keptSql({ warehouse, client, heap, address, die }: KeptSql): Harness {
  const opened: Warehouse[] = [];
  const open = () => {
    const another = openSynapse({ address });
    opened.push(another);
    return another;
  };
  let first: Warehouse | undefined = warehouse;
  return {
    open() {
      const one = first ?? open();
      first = undefined;
      return one;
    },
    restart: async () => open(),
    earlier: earlierSqlLoader(client, heap),
    execute: async (sql) => void (await client.batch(`${sql};`)),
    async loadAndDie(load, when) {
      const dying = open();
      die?.(when);
      const loading = dying.load(load).catch(() => {});
      if (when === 'after-commit' || die) await loading;
      await dying.close();
      await loading;
    },
    async close() {
      for (const one of opened) await one.close();
    },
  };
}

/** A process that loads into a DuckDB file and is killed by the system around its commit. */
const dyingLoader = (module: string) => `
const { DuckDBConnection } = require('@duckdb/node-api');
const { openDuckDbFile } = require(${JSON.stringify(module)});
const { deserialize } = require('node:v8');
const [path, when, load] = process.argv.slice(1);
const run = DuckDBConnection.prototype.run;
DuckDBConnection.prototype.run = async function (sql, ...rest) {
  if (sql === 'COMMIT' && when === 'before-commit') process.kill(process.pid, 'SIGKILL');
  const result = await run.call(this, sql, ...rest);
  if (sql === 'COMMIT') process.kill(process.pid, 'SIGKILL');
  return result;
};
openDuckDbFile(path).then((warehouse) => warehouse.load(deserialize(Buffer.from(load, 'base64'))));
`;

/** Runs a load in a process that is killed around its commit. */
async function loadInDyingProcess(path: string, when: string, load: Load): Promise<void> {
  const script = dyingLoader(resolve('dist/src/lib/warehouse/duckdb/duckDbWarehouse.js'));
  const signal = await new Promise((done) => {
    execFile(process.execPath, ['-e', script, path, when, serialize(load).toString('base64')], (error) =>
      done(error?.signal ?? error),
    );
  });
  if (signal !== 'SIGKILL') throw new Error(`The loader was not killed: ${signal}`);
}

export async function duckDbHarness(): Promise<Harness> {
  const folder = mkdtempSync(join(tmpdir(), 'warehouse-'));
  const path = join(folder, 'test.duckdb');
  let file = await openDuckDbFile(path);
  // The loaders of a process share its one way to the file, which outlives none of them.
  const shared: Warehouse = {
    kind: 'duckdb',
    name: file.name,
    init: (tables) => file.init(tables),
    ledger: () => file.ledger(),
    missingColumns: (table) => file.missingColumns(table),
    keepsMarks: () => file.keepsMarks(),
    load: (load) => file.load(load),
    createShadow: (swap, position) => file.createShadow(swap, position),
    lostBySwap: (table) => file.lostBySwap(table),
    hold: (swap) => file.hold(swap),
    release: (swap) => file.release(swap),
    swap: (swap, least) => file.swap(swap, least),
    dropShadow: (shadow) => file.dropShadow(shadow),
    dropLeftovers: (table) => file.dropLeftovers(table),
    query: (sql) => file.query(sql),
    close: async () => {},
  };
  return {
    open: () => shared,
    async restart() {
      await file.close();
      file = await openDuckDbFile(path);
      // Opening a file begins with this.
      await file.init([]);
      return shared;
    },
    earlier: earlierDuckDbLoader(path),
    execute: async (sql) => void (await onDuckDbFile(path, (run) => run(sql))),
    async loadAndDie(load, when) {
      await file.close();
      await loadInDyingProcess(path, when, load);
      file = await openDuckDbFile(path);
    },
    async close() {
      await file.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
