import { readHistory } from '../lib/delta/history';
import type { TableLocation } from '../lib/delta/log';
import { openSnapshot } from '../lib/delta/openTable';
import { recordsOf } from '../lib/delta/readStatistics';
import { describeSchema } from '../lib/delta/schema';
import { checkTable } from '../lib/maintenance/checkTable';
import { readAppSettings, settingsFlag } from './appSettings';
import { describeFlags, type Flags, readFlags, readNumber, runCommand, UsageError } from './commandLine';
import { repairTable } from './repairTable';
import { readTable } from './tableArgument';

/*
 * `npm run table -- history|detail|files|check|repair <table>`: what a Delta table is made of, whether its files are what its
 * log says, and the way out where the log does not follow on. Exit code 1 when something is wrong, or when there is no table.
 */

const flags = {
  'dry-run': { meaning: 'repair: say what would be moved aside, and change nothing' },
  limit: { value: 'N', meaning: 'how many commits or files, newest first; 20 and 1,000 unless told' },
  ...settingsFlag,
} satisfies Flags;

type View = (at: TableLocation, limit: string | true | undefined) => Promise<string[] | undefined>;

const views = { history, detail, files } satisfies Record<string, View>;
const usage = `npm run table -- history|detail|files|check|repair <table> [options]
  Stop the app before a repair: it moves aside what does not follow on in the log, and says what to do next.
${describeFlags(flags)}`;

runCommand(usage, async (args) => {
  const [word, name, ...rest] = args;
  const view = Object.entries(views).find(([each]) => each === word)?.[1];
  if (!view && word !== 'check' && word !== 'repair')
    throw new UsageError('Say history, detail, files, check or repair.');
  const { limit, 'dry-run': dry, settings } = readFlags(flags, rest);
  const dryRun = dry === true;
  if (dryRun && word !== 'repair') throw new UsageError('--dry-run is for repair alone.');
  const at = await readTable(name, settings);
  if (word === 'check') return check(at);
  const { warehouse } = readAppSettings(settings);
  const lines = view
    ? await view(at, limit)
    : await repairTable({ at, dryRun, hasWarehouse: warehouse.kind !== 'none' });
  if (!lines) return tellNoTable(at);
  for (const line of lines) console.log(line);
  return 0;
});

async function history(at: TableLocation, limit: string | true | undefined): Promise<string[] | undefined> {
  const commits = await readHistory(at, readNumber('limit', limit, 20, 1_000_000));
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
    `files       ${count(live.size)} with ${count(bytes)} bytes, ${count(rows)} rows by their statistics`,
    `tombstones  ${count(tombstones.size)}`,
    `columns     ${describeSchema(fields)}`,
    `partitions  ${metaData.partitionColumns.join(', ') || 'none'}`,
    ...Object.entries(metaData.configuration).map(([name, value]) => `property    ${name} = ${value}`),
    ...[...txns.values()].map((txn) => `txn         ${txn.appId} = ${txn.version}`),
  ];
}

async function files(at: TableLocation, limit: string | true | undefined): Promise<string[] | undefined> {
  const snapshot = await openSnapshot(at);
  if (!snapshot) return undefined;
  const newest = [...snapshot.files.values()].sort((a, b) => b.modificationTime - a.modificationTime);
  return newest
    .slice(0, readNumber('limit', limit, 1000, 10_000_000))
    .map((add) =>
      [
        dateOf(add.modificationTime),
        `${count(add.size)} bytes`.padStart(18),
        `${count(recordsOf(add) ?? Number.NaN)} rows`.padStart(16),
        add.path,
      ].join('  '),
    );
}

async function check(at: TableLocation): Promise<number> {
  const result = await checkTable({ at });
  if (!result) return tellNoTable(at);
  const { version, files: checked, rows, findings } = result;
  for (const finding of findings) console.log(finding);
  const verdict =
    findings.length === 0
      ? 'nothing is wrong'
      : `${count(findings.length)} finding${findings.length === 1 ? '' : 's'}`;
  console.log(`${at.table} version ${version}: ${count(checked)} files, ${count(rows)} rows, ${verdict}.`);
  return findings.length === 0 ? 0 : 1;
}

function tellNoTable(at: TableLocation): number {
  console.error(`${at.store.name} has no table ${at.table}.`);
  return 1;
}

const dateOf = (milliseconds: number | undefined) =>
  milliseconds === undefined ? 'no date' : new Date(milliseconds).toISOString();

const count = (value: number) => (Number.isNaN(value) ? '?' : value.toLocaleString('en-US'));
