import { followState } from '../lib/delta/follow';
import { openAzureBlobStore } from '../lib/storage/azureBlobStore';
import { loadStreams } from '../lib/streams/loadStreams';
import type { WarehouseTable } from '../lib/streams/stream';
import { catchUp } from '../lib/warehouse/catchUp';
import { openWarehouse } from '../lib/warehouse/openWarehouse';
import { rebuild } from '../lib/warehouse/rebuild';
import { containerUrl } from '../lib/warehouse/synapse/lakeUrl';
import { wholeScript } from '../lib/warehouse/synapse/tables';
import { UnloadedCommits } from '../lib/warehouse/unloadedCommits';
import { fullName } from '../lib/warehouse/warehouse';
import { readLag } from '../lib/warehouse/warehouseLag';
import { readAppSettings, settingsFlag } from './appSettings';
import { describeFlags, readFlags, runCommand, UsageError } from './commandLine';

/*
 * `npm run warehouse`: the tables in the warehouse. While `npm start` runs it has the DuckDB file, and these commands go
 * through it.
 */

const usage = `npm run warehouse -- <what> [options]
  script           print what init runs on a dedicated SQL pool
  init             make the tables and columns that are missing; once, and after an upgrade, by somebody who may
  status           how far each table is behind its Delta table
  sync             load what is missing
  rebuild <table>  load a table anew from the lake, and put that in its place
  query "<sql>"    run a statement and print its rows
${describeFlags(settingsFlag)}`;

/** How many words stand behind each action. */
const actions: Readonly<Record<string, number>> = {
  script: 0,
  init: 0,
  status: 0,
  sync: 0,
  rebuild: 1,
  query: 1,
};

runCommand(usage, async ([action = '', ...rest]) => {
  const words = actions[action];
  if (words === undefined) throw new UsageError('Say script, init, status, sync, rebuild or query.');
  const word = words === 1 ? rest[0] : undefined;
  if (words === 1 && word === undefined) throw new UsageError(`Say what to ${action}.`);
  const loaded = (await loadStreams()).flatMap(({ table, warehouse }) =>
    warehouse ? [{ table: warehouse, deltaTable: table }] : [],
  );
  const only = action === 'rebuild' ? readLoadedTable(loaded, word) : undefined;
  if (action === 'script') {
    console.log(
      wholeScript(
        loaded.map(({ table }) => table),
        'pool',
      ),
    );
    return 0;
  }
  const settings = readAppSettings(readFlags(settingsFlag, rest.slice(words)).settings);
  const store = await openAzureBlobStore(settings.lake, settings.lakeContainer);
  const url = containerUrl(settings.lake, settings.lakeContainer);
  const tables = loaded.map(({ table }) => table);
  const warehouse = await openWarehouse({
    setting: settings.warehouse,
    tables,
    staging: { store, urlOf: (path) => `${url}/${path}` },
    warn: (message) => console.error(message),
  });
  if (!warehouse) throw new Error('WAREHOUSE is none: there is no warehouse to work with.');
  const ended = new AbortController();
  process.once('SIGINT', () => ended.abort());
  const each = loaded.map(({ table, deltaTable }) => ({ table, at: { store, table: deltaTable } }));
  try {
    if (action === 'init') {
      await warehouse.init(tables);
      for (const table of tables) console.log(`${fullName(table)} is there.`);
    } else if (action === 'status') {
      const followed = each.map(({ table, at }) => ({ table, head: followState(at) }));
      for (const lag of await readLag({ warehouse, tables: followed })) console.log(describeLag(lag));
    } else if (action === 'query') {
      console.log(formatRows(await warehouse.query(word ?? '')));
    } else if (action === 'sync') {
      let failed = false;
      for (const { table, at } of each) {
        const commits = new UnloadedCommits(at);
        const done = await catchUp({ warehouse, commits, table, signal: ended.signal });
        const reason = 'reason' in done ? `: ${done.reason}` : '';
        const version = 'version' in done ? `, version ${done.version}` : '';
        console.log(`${fullName(table)} is ${done.state}${version}${reason}`);
        failed ||= done.state === 'needs-rebuild';
      }
      return failed ? 1 : 0;
    } else if (only) {
      const at = { store, table: only.deltaTable };
      const onProgress = ({ files, of, version }: { files: number; of: number; version: number }) =>
        console.log(`version ${version}: ${files} of ${of} files`);
      const done = await rebuild({ warehouse, at, table: only.table, signal: ended.signal, onProgress });
      const version = 'version' in done ? ` from version ${done.version}` : '';
      console.log(`${fullName(only.table)}: ${done.outcome}${version}`);
      return done.outcome === 'rebuilt' || done.outcome === 'rebuilt-elsewhere' ? 0 : 1;
    }
    return 0;
  } finally {
    await warehouse.close();
  }
});

interface LoadedTable {
  readonly table: WarehouseTable;
  readonly deltaTable: string;
}

/** The table that an argument names by its name in the warehouse or in the lake. */
function readLoadedTable(loaded: readonly LoadedTable[], name: string | undefined): LoadedTable {
  const found = loaded.find(({ table, deltaTable }) => name === fullName(table) || name === deltaTable);
  if (found) return found;
  const known = loaded.map(({ table }) => fullName(table)).join(' or ');
  throw new UsageError(`${name} is no table of the warehouse: expected ${known}.`);
}

type Lag = Awaited<ReturnType<typeof readLag>>[number];

function describeLag({
  table,
  deltaVersion,
  loadedVersion,
  versionsBehind,
  secondsBehind,
  needsRebuild,
  reason,
}: Lag): string {
  if (deltaVersion < 0) return `${table}: no Delta table yet`;
  const behind =
    versionsBehind === 0
      ? 'up to date'
      : `${versionsBehind} versions behind${secondsBehind === null ? '' : `, ${Math.round(secondsBehind)} s`}`;
  const rebuildNote = needsRebuild
    ? `; needs rebuild, for ${reason}: npm run warehouse -- rebuild ${table}`
    : '';
  return `${table}: version ${loadedVersion} of ${deltaVersion}, ${behind}${rebuildNote}`;
}

/** Rows as a table of text. */
function formatRows(rows: readonly Record<string, unknown>[]): string {
  const names = Object.keys(rows[0] ?? {});
  if (names.length === 0) return 'no rows';
  const lines = [names, ...rows.map((row) => names.map((name) => formatValue(row[name])))];
  const widths = names.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const formatValue = (value: unknown): string =>
  value === null || value === undefined
    ? 'NULL'
    : value instanceof Date
      ? value.toISOString()
      : String(value);
