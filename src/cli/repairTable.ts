import { strayFolder } from '../lib/delta/hole';
import type { TableLocation } from '../lib/delta/log';
import { parseAppId } from '../lib/lake/hubGeneration';
import { type RepairLogOutcome, repairLog } from '../lib/maintenance/repairLog';
import type { TxnBack } from '../lib/maintenance/strayFiles';
import { loadStreams } from '../lib/streams/loadStreams';
import { runLong } from './longTask';

export interface RepairRequest {
  readonly at: TableLocation;
  readonly dryRun: boolean;
  /** Whether there is a warehouse that rows are loaded into. */
  readonly hasWarehouse: boolean;
}

type Repair = Extract<RepairLogOutcome, { outcome: 'repaired' | 'planned' }>;

/** Repairs the log of a table. Says what was done, what it costs and what to do next; undefined when there is no table. */
export async function repairTable(request: RepairRequest): Promise<string[] | undefined> {
  const { at, dryRun } = request;
  const result = await runLong('Ended half-way: run it again.', (task) => repairLog({ at, dryRun, ...task }));
  if (result.outcome === 'no-table') return undefined;
  if (result.outcome === 'whole')
    return [
      `The log of ${at.table} is whole and ends with version ${result.version}: there is nothing to do.`,
    ];
  return [
    ...describeRepair(at, result),
    ...result.txns.map(describeTxn),
    ...(await nextSteps(request, result)),
  ];
}

function describeRepair(at: TableLocation, { outcome, version, moved, files, rows }: Repair): string[] {
  const end = version < 0 ? 'has no beginning: the app makes the table anew' : `ends with version ${version}`;
  const lines = [`The log of ${at.table} ${end}.`];
  const done = outcome === 'planned' ? 'is to be' : 'was';
  if (files === 0) lines.push(`_last_checkpoint, which led elsewhere, ${done} put right.`);
  else {
    const what = [
      ...(moved.length > 0 ? [describeVersions(moved)] : []),
      `${count(files)} log file${files === 1 ? '' : 's'}`,
    ];
    const where = `${at.store.name}/${strayFolder(at.table)}`;
    lines.push(`What does not follow on ${done} moved aside to ${where}: ${what.join(', ')}.`);
  }
  if (moved.length > 0)
    lines.push(
      `Rows of these versions, which are no part of the table: ${rows === undefined ? 'not known' : count(rows)}.`,
    );
  return lines;
}

function describeTxn({ appId, from, to }: TxnBack): string {
  const back = `back from ${from} to ${to ?? 'where nothing was read'}`;
  const parsed = parseAppId(appId);
  if (!parsed) return `Txn ${appId}: ${back}.`;
  const { hub, createdOn, partition } = parsed;
  return `Partition ${partition} of ${hub}, made ${createdOn.toISOString()}: sequence number ${back}.`;
}

async function nextSteps({ at, hasWarehouse }: RepairRequest, { outcome, txns }: Repair): Promise<string[]> {
  if (outcome === 'planned') return ['Nothing was changed. Stop the app, and run it without --dry-run.'];
  const stream = (await loadStreams()).find(({ table }) => table === at.table);
  if (!stream) return [];
  const steps: string[] = [];
  if (txns.some(({ appId }) => parseAppId(appId)))
    steps.push(
      `Stop the app, run "npm run checkpoints -- reset ${stream.name}", and start it: what the hub still has is read again.`,
    );
  if (txns.some(({ appId }) => appId === `replay/${stream.name}`))
    steps.push(`Run "npm run dead-letters -- replay ${stream.name}" again.`);
  if (hasWarehouse && stream.warehouse)
    steps.push('"npm run warehouse -- status" says whether the warehouse needs a rebuild.');
  return steps;
}

/** Versions that follow on each other are named by the first and the last. */
function describeVersions(versions: readonly number[]): string {
  const ranges: { first: number; last: number }[] = [];
  for (const version of versions) {
    const range = ranges.at(-1);
    if (range && range.last === version - 1) range.last = version;
    else ranges.push({ first: version, last: version });
  }
  const named = ranges.map(({ first, last }) => (first === last ? `${first}` : `${first} to ${last}`));
  return `version${versions.length === 1 ? '' : 's'} ${named.join(', ')}`;
}

const count = (value: number) => value.toLocaleString('en-US');
