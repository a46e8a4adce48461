import { openExistingLake } from '../lib/app/lake';
import { readHistory } from '../lib/delta/history';
import type { TableLocation } from '../lib/delta/log';
import { openSnapshot } from '../lib/delta/openTable';
import { recordsOf } from '../lib/delta/readStatistics';
import { describeSchema } from '../lib/delta/schema';
import { checkTable } from '../lib/maintenance/checkTable';
import { count, quantity } from '../lib/quantity';
import type { LakeSettings } from '../lib/settings';
import { readLakeSettings, settingsFlag } from './appSettings';
import { numberFlag, switchFlag } from './commandLine/arguments';
import { action } from './commandLine/command';
import { runCommand } from './commandLine/runCommand';
import { runLong } from './longTask';
import { noTable, tableWord } from './names';
import { repairTable } from './repairTable';

/*
 * `npm run table -- history|detail|files|check|repair <table>`: shows a Delta table's versions, schema and files, checks the files
 * against the log, and repairs a log whose entries do not follow on each other. Exit code 1 if something is wrong or the table is
 * missing.
 */

const words = { table: tableWord };

const limitFlag = (what: string, fallback: number) => ({
  limit: numberFlag({ meaning: `how many ${what}`, fallback, least: 1, most: 10_000_000, whole: true }),
});

runCommand({
  call: 'npm run table',
  meaning: 'Shows the versions, schema and files of a Delta table, checks its files and repairs its log.',
  subcommands: {
    history: action({
      meaning: 'commits, newest first: who did what, and when',
      words,
      flags: { ...limitFlag('commits', 20), ...settingsFlag },
      run: ({ table, limit, settings }) => show(table, settings, (at) => history(at, limit)),
    }),
    detail: action({
      meaning: 'schema, properties, and how far each partition is committed',
      words,
      flags: settingsFlag,
      run: ({ table, settings }) => show(table, settings, detail),
    }),
    files: action({
      meaning: 'its files, newest first',
      words,
      flags: { ...limitFlag('files', 1000), ...settingsFlag },
      run: ({ table, limit, settings }) => show(table, settings, (at) => files(at, limit)),
    }),
    check: action({
      meaning: 'read every file, and compare it with the log',
      words,
      flags: settingsFlag,
      run: ({ table, settings }) => check(table, settings),
    }),
    repair: action({
      meaning:
        'move log entries aside that do not follow on the others; stop the app first, then do what the command says',
      words,
      flags: { 'dry-run': switchFlag('say what would be moved aside, and change nothing'), ...settingsFlag },
      run: ({ table, settings, 'dry-run': dryRun }) =>
        show(table, settings, (at, { warehouse }) =>
          repairTable({ at, dryRun, hasWarehouse: warehouse.kind !== 'none' }),
        ),
    }),
  },
});

async function show(
  table: string,
  file: string | undefined,
  view: (at: TableLocation, settings: LakeSettings) => Promise<string[] | undefined>,
): Promise<number> {
  const settings = await readLakeSettings(file);
  const at = (await openExistingLake(settings)).at(table);
  const lines = await view(at, settings);
  if (!lines) return tellNoTable(at);
  for (const line of lines) console.log(line);
  return 0;
}

async function history(at: TableLocation, limit: number): Promise<string[] | undefined> {
  const commits = await readHistory(at, limit);
  if (commits.length === 0) return undefined;
  return commits.map(({ version, commitInfo, adds, removes }) => {
    const { operation = '?', engineInfo, operationMetrics } = commitInfo ?? {};
    const figures = Object.entries(operationMetrics ?? {}).map(([what, value]) => `${what} ${value}`);
    const changes = `+${adds.length} -${removes.length} files`;
    return [
      version,
      dateOf(commitInfo?.timestamp),
      operation,
      changes,
      figures.join(', '),
      `by ${engineInfo ?? '?'}`,
    ]
      .filter((part) => part !== '')
      .join('  ');
  });
}

async function detail(at: TableLocation): Promise<string[] | undefined> {
  const snapshot = await openSnapshot(at);
  if (!snapshot) return undefined;
  const { version, committedAt, protocol, metaData, fields, files: live, tombstones, txns } = snapshot;
  let bytes = 0;
  let rows = 0;
  for (const add of live.values()) {
    bytes += add.size;
    rows += recordsOf(add) ?? 0;
  }
  return [
    `table       ${at.store.name}/${at.table}`,
    `id          ${metaData.id}`,
    `version     ${version}, ${dateOf(committedAt)}`,
    `protocol    reader ${protocol.minReaderVersion}, writer ${protocol.minWriterVersion}`,
    `files       ${count(live.size)} with ${quantity(bytes, 'byte')}, ${quantity(rows, 'row')} by their statistics`,
    `tombstones  ${count(tombstones.size)}`,
    `columns     ${describeSchema(fields)}`,
    `partitions  ${metaData.partitionColumns.join(', ') || 'none'}`,
    ...Object.entries(metaData.configuration).map(([name, value]) => `property    ${name} = ${value}`),
    ...[...txns.values()].map((txn) => `txn         ${txn.appId} = ${txn.version}`),
  ];
}

async function files(at: TableLocation, limit: number): Promise<string[] | undefined> {
  const snapshot = await openSnapshot(at);
  if (!snapshot) return undefined;
  const newest = [...snapshot.files.values()].sort((a, b) => b.modificationTime - a.modificationTime);
  return newest
    .slice(0, limit)
    .map((add) =>
      [
        dateOf(add.modificationTime),
        quantity(add.size, 'byte').padStart(18),
        quantity(recordsOf(add) ?? Number.NaN, 'row').padStart(16),
        add.path,
      ].join('  '),
    );
}

async function check(table: string, settings: string | undefined): Promise<number> {
  const at = (await openExistingLake(await readLakeSettings(settings))).at(table);
  const result = await runLong('Ended before all files were read.', (task) => checkTable({ at, ...task }));
  if (!result) return tellNoTable(at);
  const { version, files: checked, rows, findings } = result;
  for (const finding of findings) console.log(finding);
  const verdict = findings.length === 0 ? 'nothing is wrong' : quantity(findings.length, 'finding');
  console.log(
    `${at.table} version ${version}: ${quantity(checked, 'file')}, ${quantity(rows, 'row')}, ${verdict}.`,
  );
  if (findings.length === 0) return 0;
  console.log('To mend it: see parquet.invalid in docs/errors.md.');
  return 1;
}

function tellNoTable(at: TableLocation): number {
  console.error(noTable(at));
  return 1;
}

const dateOf = (milliseconds: number | undefined) =>
  milliseconds === undefined ? 'no date' : new Date(milliseconds).toISOString();
