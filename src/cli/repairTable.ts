import { describeVersions, strayFolder } from '../lib/delta/hole';
import type { TableLocation } from '../lib/delta/log';
import { parseAppId } from '../lib/lake/hubGeneration';
import { type RepairLogOutcome, repairLog } from '../lib/maintenance/repairLog';
import type { TxnBack } from '../lib/maintenance/strayFiles';
import { count, quantity } from '../lib/quantity';
import { loadStreams } from '../lib/streams/loadStreams';
import { runLong } from './longTask';

export interface RepairRequest {
  readonly at: TableLocation;
  readonly dryRun: boolean;
  /** Whether there is a warehouse that rows are loaded into. */
  readonly hasWarehouse: boolean;
}

type Repair = Extract<RepairLogOutcome, { outcome: 'repaired' | 'planned' }>;

/** Repairs a table's log. Returns lines that say what was done, what it costs and what to do next; undefined without a table. */
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
    ...result.txns.map((txn) => describeTxn(txn, result)),
    ...(await nextSteps(request, result)),
  ];
}

function describeRepair(at: TableLocation, { outcome, version, moved, files, rows }: Repair): string[] {
  const end =
    version < 0 ? 'has no beginning: the app will create the table again' : `ends with version ${version}`;
  const lines = [`The log of ${at.table} ${end}.`];
  const isPlanned = outcome === 'planned';
  if (files === 0)
    lines.push(
      isPlanned
        ? '_last_checkpoint points to the wrong version and would be corrected.'
        : '_last_checkpoint pointed to the wrong version and was corrected.',
    );
  else {
    const what = [...(moved.length > 0 ? [describeVersions(moved)] : []), quantity(files, 'log file')];
    const where = `${at.store.name}/${strayFolder(at.table)}`;
    lines.push(`${isPlanned ? 'Would be moved' : 'Moved'} to ${where}: ${what.join(', ')}.`);
  }
  if (moved.length > 0)
    lines.push(
      `Rows in those versions, no longer part of the table: ${rows === undefined ? 'not known' : count(rows)}.`,
    );
  return lines;
}

function describeTxn({ appId, from, to }: TxnBack, { outcome }: Repair): string {
  const now = `${outcome === 'planned' ? 'would be' : 'now'} ${to ?? 'nothing'} (was ${from})`;
  const parsed = parseAppId(appId);
  if (!parsed) return `Txn ${appId}: ${now}.`;
  const { namespace, hub, createdOn, partition } = parsed;
  return `Partition ${partition} of ${namespace}/${hub}, made ${createdOn.toISOString()}: last sequence number ${now}.`;
}

async function nextSteps({ at, hasWarehouse }: RepairRequest, { outcome, txns }: Repair): Promise<string[]> {
  if (outcome === 'planned') return ['Nothing was changed. Stop the app, and run it without --dry-run.'];
  const stream = (await loadStreams()).find(({ table }) => table === at.table);
  if (!stream) return [];
  const steps: string[] = [];
  if (txns.some(({ appId }) => parseAppId(appId)))
    steps.push(
      `Stop the app, run "npm run checkpoints -- reset ${stream.name}", and start it again. It then reads all events again that the hub still has.`,
    );
  if (txns.some(({ appId }) => appId === `replay/${stream.name}`))
    steps.push(`Run "npm run dead-letters -- replay ${stream.name}" again.`);
  if (hasWarehouse && stream.warehouse)
    steps.push('"npm run warehouse -- status" says whether the warehouse needs a rebuild.');
  return steps;
}
