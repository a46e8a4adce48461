import { type Lake, openExistingLake } from '../lib/app/lake';
import { type LoadedTable, loadedTables } from '../lib/app/loadedTables';
import { recordLoad } from '../lib/app/recordLoad';
import { openState } from '../lib/delta/openTable';
import type { TablePosition } from '../lib/delta/position';
import { TributaryError } from '../lib/errors';
import { inertInLine } from '../lib/inert';
import { quantity } from '../lib/quantity';
import type { WarehouseTable } from '../lib/streams/stream';
import { type CaughtUp, catchUp } from '../lib/warehouse/catchUp';
import { checkTable } from '../lib/warehouse/check/checkTable';
import { describeCheck } from '../lib/warehouse/check/describeCheck';
import { readLoadStatus } from '../lib/warehouse/loadStatus';
import { openReader, openWarehouse } from '../lib/warehouse/openWarehouse';
import { ledgerTable, poolScript, rejectsTable } from '../lib/warehouse/synapse/tables';
import { UnloadedCommits } from '../lib/warehouse/unloadedCommits';
import { fullName, type Warehouse } from '../lib/warehouse/warehouse';
import { lagOf, type TableLag } from '../lib/warehouse/warehouseLag';
import { readLakeSettings, readQuerySettings, settingsFlag } from './appSettings';
import { switchFlag, textWord } from './commandLine/arguments';
import { action } from './commandLine/command';
import { untilInterrupted } from './commandLine/interrupts';
import { describeError, runCommand } from './commandLine/runCommand';
import { loadedTableWord } from './names';
import { rebuildHere, rebuildInApp } from './rebuildTable';
import { appFlags, chooseApp } from './runInApp';
import { showProgress } from './showProgress';
import { cellText, formatTable } from './textTable';

/*
 * `npm run warehouse`: makes, loads, rebuilds and queries the tables in the warehouse. While `npm start` runs, it holds the DuckDB
 * file, and these commands reach the file through it.
 */

runCommand({
  call: 'npm run warehouse',
  meaning: 'Manages the tables of the warehouse that WAREHOUSE names.',
  subcommands: {
    script: action({
      meaning: 'print what init runs on a dedicated SQL pool',
      run: printScript,
    }),
    init: action({
      meaning:
        'create missing tables and columns; run it once, and after an upgrade, with the right to create and alter tables',
      flags: settingsFlag,
      run: ({ settings }) => withWarehouse(settings, init),
    }),
    status: action({
      meaning: 'how far each table is behind its Delta table',
      flags: settingsFlag,
      run: ({ settings }) => withWarehouse(settings, status),
    }),
    sync: action({
      meaning: 'load all missing rows now',
      flags: settingsFlag,
      run: ({ settings }) => withWarehouse(settings, sync),
    }),
    rebuild: action({
      meaning: 'have the app load a table again from the lake, then replace its rows',
      words: { table: loadedTableWord },
      flags: {
        here: switchFlag('do it in this process, without the app; the app may run meanwhile'),
        ...appFlags,
        ...settingsFlag,
        yes: switchFlag(
          'rebuild it also if something on the table is lost, which the command tells without it',
        ),
      },
      run: async ({ table, yes, here, settings, ...places }) => {
        const app = chooseApp({ settings, ...places }, here ? '--here' : undefined);
        if (app) return rebuildInApp(table, app, yes);
        return withWarehouse(settings, (opened) => rebuildHere(opened, table, yes));
      },
    }),
    check: action({
      meaning: 'compare every row of a table with the lake, column by column',
      words: { table: loadedTableWord },
      flags: settingsFlag,
      run: ({ table, settings }) => withWarehouse(settings, (opened) => check(opened, table)),
    }),
    query: action({
      meaning: 'run a SELECT statement and print its rows; in a database, with the login of WAREHOUSE_READER',
      words: { sql: textWord('statement', 'a SELECT statement in quotes') },
      flags: settingsFlag,
      run: ({ sql, settings }) => query(settings, sql),
    }),
  },
});

async function printScript(): Promise<number> {
  const tables = (await loadedTables()).map(({ table }) => table);
  process.stdout.write(poolScript(tables));
  return 0;
}

interface OpenWarehouse {
  readonly warehouse: Warehouse;
  readonly lake: Lake;
  readonly loaded: readonly LoadedTable[];
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

async function withWarehouse(
  file: string | undefined,
  work: (opened: OpenWarehouse) => Promise<number>,
): Promise<number> {
  const settings = await readLakeSettings(file);
  const [lake, loaded] = [await openExistingLake(settings), await loadedTables()];
  const warehouse = await openWarehouse({
    setting: settings.warehouse,
    tables: loaded.map(({ table }) => table),
    staging: lake.staging,
    warn: (message) => console.error(message),
  });
  if (!warehouse) throw noWarehouse();
  try {
    return await untilInterrupted('Ended before the work was done: run it again.', (signal) =>
      work({ warehouse, lake, loaded, signal }),
    );
  } finally {
    await warehouse.close();
  }
}

const noWarehouse = () =>
  new Error(
    'WAREHOUSE is none: set it to the connection string of a database or, on this machine, to duckdb:PATH.',
  );

async function init({ warehouse, loaded }: OpenWarehouse): Promise<number> {
  const tables = loaded.map(({ table }) => table);
  await warehouse.init(tables);
  for (const table of tables) console.log(`${fullName(table)} is there.`);
  return 0;
}

async function status({ warehouse, lake, loaded }: OpenWarehouse): Promise<number> {
  const ledger = await warehouse.ledger();
  return forEach(loaded, async ({ table, deltaTable }) => {
    const name = fullName(table);
    const lag = await lagOf(name, await openState(lake.at(deltaTable)), ledger.get(name));
    const missing = await warehouse.missingColumns(table);
    const last = await readLoadStatus(lake.store, name);
    console.log(`${describeLag(lag)}${describeLastLoad(last?.error)}${describeMissing(missing)}`);
    return 0;
  });
}

/**
 * Does `work` for each table. If a Delta table is refused or damaged, that is printed, the other tables are done, and the exit code is 1.
 * Errors of storage or of the warehouse are thrown, because they are the same for every table.
 */
async function forEach(
  loaded: readonly LoadedTable[],
  work: (table: LoadedTable) => Promise<number>,
): Promise<number> {
  let code = 0;
  for (const each of loaded)
    try {
      code = Math.max(code, await work(each));
    } catch (error) {
      if (!(error instanceof TributaryError) || !error.code.startsWith('delta.')) throw error;
      console.error(`${fullName(each.table)}: ${describeError(error)}`);
      code = 1;
    }
  return code;
}

const describeLastLoad = (code: string | undefined): string =>
  code === undefined ? '' : `; the last load of the app failed: ${code}, see docs/errors.md`;

/** What to do about missing columns. A load adds them itself if its login may. */
const describeMissing = (columns: readonly string[]): string =>
  columns.length === 0
    ? ''
    : `; lacks the columns ${columns.join(', ')}: the next load adds them, or npm run warehouse -- init with a login that may alter the table`;

const sync = ({ warehouse, lake, loaded, signal }: OpenWarehouse): Promise<number> =>
  forEach(loaded, async ({ table, deltaTable }) => {
    const commits = new UnloadedCommits(lake.at(deltaTable));
    const total = (await openState(lake.at(deltaTable)))?.version ?? -1;
    const done = await showProgress((report) => {
      const onPosition = ({ version }: TablePosition) =>
        report({ step: `${fullName(table)}: version`, done: version, total });
      return catchUp({ warehouse, commits, table, signal, onPosition });
    });
    await recordLoad(warehouse, lake, table, done);
    console.log(`${fullName(table)} ${describeSync(done, fullName(table))}`);
    return done.state === 'needs-rebuild' ? 1 : 0;
  });

/** What a load did, as the end of a sentence that begins with the table. */
function describeSync(done: CaughtUp, name: string): string {
  switch (done.state) {
    case 'no-table':
      return 'has nothing to load: there is no Delta table yet';
    case 'needs-rebuild':
      return `needs a rebuild, for ${done.reason}: npm run warehouse -- rebuild ${name}`;
    default:
      return `is ${done.state}, version ${done.version}`;
  }
}

async function check(
  { warehouse, lake, signal }: OpenWarehouse,
  { table, deltaTable }: LoadedTable,
): Promise<number> {
  const checked = await showProgress((report) =>
    checkTable({
      ...{ warehouse, at: lake.at(deltaTable), table, signal },
      onFile: (done, total) => report({ step: 'lake: file', done, total }),
      onSlice: (done, total) => report({ step: 'warehouse: slice', done, total }),
    }),
  );
  const { isEqual, lines } = describeCheck(checked, fullName(table));
  for (const line of lines) console.log(inertInLine(line));
  if (isEqual) return 0;
  console.log(`To load it again: npm run warehouse -- rebuild ${fullName(table)}`);
  return 1;
}

async function query(file: string | undefined, sql: string): Promise<number> {
  const { warehouse, reader: login } = await readQuerySettings(file);
  const tables = (await loadedTables()).map(({ table }) => table);
  const reader = await openReader({ setting: warehouse, reader: login, tables });
  if (!reader) throw noWarehouse();
  try {
    console.log(formatRows(await reader.query(sql).catch((error) => withTables(error, tables))));
    return 0;
  } finally {
    await reader.close();
  }
}

/**
 * If a statement names a table or view that does not exist, prints which ones `init` makes. Unknown names are recognised by the messages of
 * DuckDB and of SQL Server.
 */
function withTables(error: unknown, tables: readonly WarehouseTable[]): never {
  const isUnknown =
    error instanceof TributaryError &&
    /Table with name .+ does not exist|Invalid object name/.test(error.message);
  if (!isUnknown) throw error;
  const names = tables.flatMap((table) => [
    fullName(table),
    ...(table.views ?? []).map(({ name }) => `${table.schema}.${name}`),
  ]);
  const known = `npm run warehouse -- init makes ${[...names, ledgerTable].join(', ')} and ${rejectsTable}`;
  throw new TributaryError(error.code, `${error.message.replace(/[.!]$/, '')}. ${known}`, { cause: error });
}

function describeLag({
  table,
  deltaVersion,
  loadedVersion,
  versionsBehind,
  secondsBehind,
  needsRebuild,
  reason,
}: TableLag): string {
  if (deltaVersion < 0) return `${table}: no Delta table yet`;
  // After the lake has lost versions, the warehouse can be at a higher version than the table. Then it is behind by none.
  const behind =
    versionsBehind === 0
      ? needsRebuild
        ? ''
        : ', up to date'
      : `, ${quantity(versionsBehind, 'version')} behind${secondsBehind === null ? '' : `, ${Math.round(secondsBehind)} s`}`;
  const rebuildNote = needsRebuild
    ? `; needs rebuild, for ${reason}: npm run warehouse -- rebuild ${table}`
    : '';
  const loaded = loadedVersion < 0 ? 'nothing is loaded yet' : `version ${loadedVersion} of ${deltaVersion}`;
  return `${table}: ${loaded}${behind}${rebuildNote}`;
}

/** Rows as a table of text. */
function formatRows(rows: readonly Record<string, unknown>[]): string {
  const names = Object.keys(rows[0] ?? {});
  if (names.length === 0) return 'no rows';
  const columns = names.map((title) => ({ title }));
  const cells = rows.map((row) => names.map((name) => cellText(row[name])));
  return formatTable(columns, cells).join('\n');
}
