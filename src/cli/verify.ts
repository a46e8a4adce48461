import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { openExistingLake } from '../lib/app/lake';
import type { TableLocation } from '../lib/delta/log';
import { TributaryError } from '../lib/errors';
import { count, quantity } from '../lib/quantity';
import { problemsIn } from '../lib/settingReader';
import type { Settings } from '../lib/settings';
import { openHubClient } from '../lib/sources/hubClient';
import { describeHubError } from '../lib/sources/hubErrors';
import type { Stream, WarehouseTable } from '../lib/streams/stream';
import { compareWarehouse, type WarehouseComparison } from '../lib/verify/compareWarehouse';
import { type PartitionReport, problemsOf } from '../lib/verify/partitionAudit';
import type { PartitionDifference } from '../lib/verify/rowSums';
import type { SourcePartition } from '../lib/verify/sourcePartition';
import { type StreamReport, verifyStream } from '../lib/verify/verifyStream';
import { waitingEvents } from '../lib/verify/waitingEvents';
import { openWarehouse } from '../lib/warehouse/openWarehouse';
import { fullName, type Warehouse } from '../lib/warehouse/warehouse';
import { readAppSettings, settingsFlag } from './appSettings';
import { action } from './commandLine/command';
import { hintToStart, runCommand } from './commandLine/runCommand';
import { showFiles } from './longTask';
import { noTable, streamWord } from './names';
import { verifyFolds } from './verifyFolds';

/*
 * `npm run verify -- <stream>`: proves from the tables that each event is there exactly once. Also checks that the counts and the newest
 * rows which the API serves are right, and that the warehouse has as many rows, of each partition. Exit code 1 if not. If the warehouse or
 * the hub does not answer, the exit code depends on the tables alone.
 */

runCommand({
  call: 'npm run verify',
  does: action({
    meaning: 'Proves from the tables that each event of a stream is there exactly once.',
    words: { stream: streamWord },
    flags: settingsFlag,
    run: async ({ stream, settings }) => verify(stream, await readAppSettings(settings)),
  }),
});

async function verify(stream: Stream, settings: Settings): Promise<number> {
  const lake = await openExistingLake(settings);
  const { store } = lake;
  const at = lake.at(stream.table);
  const report = await showFiles(`${stream.table}: file`, (onFile) =>
    verifyStream({ store, stream, onFile }),
  );
  if (!report) {
    console.error(noTable(at));
    console.log(await sayWaiting(settings, at, stream));
    return 1;
  }
  const isRight = tellReport(stream, report);
  const { warehouse: loaded } = stream;
  const areFoldsRight = await verifyFolds(stream, at, settings);
  const compared = loaded && (await compareLoaded(settings, at, loaded));
  if (loaded && compared) console.log(describeComparison(loaded, compared, report.version));
  console.log(await sayWaiting(settings, at, stream));
  return isRight && areFoldsRight && !(compared && isFailure(compared)) ? 0 : 1;
}

/** Prints what the tables say. Returns whether each event is there once. */
function tellReport(stream: Stream, { partitions, version, files }: StreamReport): boolean {
  for (const partition of partitions) console.log(describePartition(partition));
  const total = (what: 'rows' | 'letters' | 'neverCame') =>
    partitions.reduce((sum, partition) => sum + partition[what], 0);
  const bad = partitions.filter((partition) => problemsOf(partition).length > 0).length;
  console.log(
    `${stream.table} version ${version}, ${quantity(files, 'file')}: ${quantity(total('rows'), 'row')}, ` +
      `${quantity(total('letters'), 'dead letter')}, ${quantity(total('neverCame'), 'event')} that never came.`,
  );
  console.log(
    bad === 0
      ? 'Each event is there once.'
      : `${bad} of ${quantity(partitions.length, 'partition')} ${bad === 1 ? 'is' : 'are'} not right.`,
  );
  if (partitions.some(({ gaps, torn }) => gaps.count + torn.count > 0)) console.log(whatMissingMeans(stream));
  return bad === 0;
}

const whatMissingMeans = ({ name }: Stream): string =>
  `If another engine deleted what is missing: npm run dead-letters -- erased ${name}. If storage went back in time or files were deleted: docs/operations.md, "When something was lost or made again".`;

/** The warehouse could not be compared, because it did not answer, or because it refused and somebody has to correct that. */
type NotAnswered = { readonly state: 'no-answer' | 'refused'; readonly reason: string };

/** Compares the warehouse with the lake. Undefined when no warehouse is configured. */
async function compareLoaded(
  { warehouse: setting }: Settings,
  at: TableLocation,
  table: WarehouseTable,
): Promise<WarehouseComparison | NotAnswered | undefined> {
  // Opening a missing DuckDB file makes it, and a proof must not change anything.
  if (setting.kind === 'duckdb' && !existsSync(setting.path))
    return {
      state: 'not-compared',
      reason: `there is no file ${resolve(setting.path)}, which WAREHOUSE names`,
    };
  let warehouse: Warehouse | undefined;
  try {
    warehouse = await openWarehouse({ setting, tables: [table] });
    if (!warehouse) return undefined;
    const opened = warehouse;
    return await showFiles('warehouse: file', (onFile) =>
      compareWarehouse({ at, table, warehouse: opened, onFile }),
    );
  } catch (error) {
    if (!(error instanceof TributaryError && error.code.startsWith('warehouse.'))) throw error;
    return { state: error.retriable ? 'no-answer' : 'refused', reason: error.message };
  } finally {
    await warehouse?.close();
  }
}

const isFailure = ({ state }: WarehouseComparison | NotAnswered): boolean =>
  state === 'different' || state === 'needs-rebuild' || state === 'refused';

/** Says how many events wait in the stream's hub. */
async function sayWaiting(
  settings: Settings,
  { store, table }: TableLocation,
  stream: Stream,
): Promise<string> {
  const waiting = await waitingEvents({
    openHub: async () => {
      const { namespace, hub } = settings.hub(stream, 'listen');
      return openHubClient(namespace, hub);
    },
    store,
    table,
  });
  if (waiting === 1) return '1 event waits in the hub.';
  if (typeof waiting === 'number') return `${waiting === 0 ? 'No' : count(waiting)} events wait in the hub.`;
  const { code, why } = describeHubError(waiting.failure);
  const reason = problemsIn({ message: why }).join('; ');
  return `It is unknown how many events wait in the hub: ${reason.replace(/\.$/, '')}${hintToStart(code, why) || '.'}`;
}

/** @param newest the version of the Delta table that was verified */
function describeComparison(
  table: WarehouseTable,
  compared: WarehouseComparison | NotAnswered,
  newest: number,
): string {
  const name = fullName(table);
  const remedy = `npm run warehouse -- rebuild ${name}`;
  switch (compared.state) {
    case 'no-answer':
      return `The warehouse does not answer, so it was not compared: ${compared.reason}`;
    case 'refused':
      return `The warehouse could not be compared: ${compared.reason}`;
    case 'not-compared':
      return `The warehouse was not compared: ${compared.reason}.${compared.isMoving ? ` To compare it meanwhile: npm run warehouse -- check ${name}` : ''}`;
    case 'needs-rebuild':
      return `The warehouse is not right: ${compared.reason}. To load it again: ${remedy}`;
  }
  const { version, rows, rejected, deltaRows } = compared;
  const has = `${name} has ${quantity(rows, 'row')}${rejected === 0 ? '' : ` and ${count(rejected)} rejected`}`;
  if (compared.state === 'equal' && version < newest)
    return `The warehouse is loaded up to version ${version} of ${newest}, and has as many rows as that version: ${has}. How far it is now: npm run warehouse -- status`;
  if (compared.state === 'equal')
    return `The warehouse has as many rows as the lake: ${has}, as version ${version} of the Delta table. To compare their values: npm run warehouse -- check ${name}`;
  return [
    `The warehouse is wrong: ${has}, version ${version} of the Delta table has ${count(deltaRows)}. To load it again: ${remedy}`,
    ...compared.partitions.slice(0, listed).map(describeDifference),
    ...(compared.partitions.length > listed ? ['  …'] : []),
  ].join('\n');
}

/** How many of the partitions that differ are listed. */
const listed = 20;

function describeDifference({ source, found, expected }: PartitionDifference): string {
  const where = source ? nameOf(source) : 'without an address';
  if (found.rows !== expected.rows)
    return `  ${where}: ${quantity(found.rows, 'row')} where ${count(expected.rows)} should be`;
  return `  ${where}: other rows, their sequence numbers add up to ${found.sequenceNumberSum} and not to ${expected.sequenceNumberSum}`;
}

const nameOf = ({ hubCreatedAt, partition }: SourcePartition): string =>
  `partition ${partition} of the hub made ${new Date(hubCreatedAt / 1000).toISOString()}`;

function describePartition(report: PartitionReport): string {
  const { first, committed, rows, letters } = report;
  const { gaps, duplicates, torn, misplaced } = report;
  const problems = problemsOf(report);
  const lines = [
    `${nameOf(report)}: ` +
      `${first ?? 'nothing'} to ${committed ?? '?'}, ${quantity(rows, 'row')}, ${quantity(letters, 'dead letter')}: ` +
      (problems.length === 0 ? 'complete' : problems.join(', ')),
    ...gaps.examples.map((gap) => `  missing     ${gap.first} to ${gap.last}`),
    ...duplicates.examples.map(
      ({ sequenceNumber, element }) => `  duplicate   ${sequenceNumber} element ${element}`,
    ),
    ...torn.examples.map((sequenceNumber) => `  incomplete  ${sequenceNumber}`),
    ...misplaced.examples.map((sequenceNumber) => `  of another hub  ${sequenceNumber}`),
  ];
  if ([gaps, duplicates, torn, misplaced].some((tally) => tally.count > tally.examples.length))
    lines.push('  …');
  return lines.join('\n');
}
