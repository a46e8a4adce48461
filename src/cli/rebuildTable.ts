import type { Lake } from '../lib/app/lake';
import type { LoadedTable } from '../lib/app/loadedTables';
import { recordLoad } from '../lib/app/recordLoad';
import type { FunctionApp } from '../lib/functionApp';
import { inertInLine } from '../lib/inert';
import type { RebuildOutcome, RebuildResult, RebuildStatus } from '../lib/orchestrations/rebuildWarehouse';
import { type Rebuilt, rebuild } from '../lib/warehouse/rebuild';
import { fullName, type Warehouse } from '../lib/warehouse/warehouse';
import { runInApp } from './runInApp';
import { showProgress } from './showProgress';

/*
 * `npm run warehouse -- rebuild`: in the app, or here.
 */

/** Starts a rebuild in the app, or follows the one that runs. Returns the exit code. */
export async function rebuildInApp({ table }: LoadedTable, app: FunctionApp, yes: boolean): Promise<number> {
  const name = fullName(table);
  const result = await runInApp<RebuildStatus, RebuildResult>({
    ...{ noun: 'rebuild', app, ifRunning: 'follow' },
    path: `/api/warehouse/${name}/rebuild`,
    parameters: { yes: yes ? 'true' : undefined },
    progressOf: ({ done, total }) =>
      done === null || total === null ? undefined : { step: `${name}: file`, done, total },
  });
  return result ? tell(name, result) : 1;
}

export interface RebuildHere {
  readonly warehouse: Warehouse;
  readonly lake: Lake;
  readonly signal: AbortSignal;
}

/** Rebuilds a table in this process. Returns the exit code. */
export async function rebuildHere(
  { warehouse, lake, signal }: RebuildHere,
  { table, deltaTable }: LoadedTable,
  yes: boolean,
): Promise<number> {
  const name = fullName(table);
  const lost = yes ? await warehouse.lostBySwap(table) : [];
  for (const one of lost) console.log(`${name}: ${inertInLine(one)}`);
  const done = await showProgress((report) =>
    rebuild({
      ...{ warehouse, at: lake.at(deltaTable), table, mayLose: yes, signal },
      onProgress: ({ files, of, version }) =>
        report({ step: `${name}: version ${version}, file`, done: files, total: of }),
    }),
  );
  if (done.outcome !== 'would-lose') await recordLoad(warehouse, lake, table, { state: 'behind' });
  return tell(name, done);
}

/** Says how a rebuild has ended. Returns the exit code. */
function tell(name: string, done: RebuildOutcome | Rebuilt): number {
  if (done.outcome === 'would-lose') {
    for (const one of done.lost) console.log(`${name}: ${inertInLine(one)}`);
    console.error(
      'The table is as it was. To rebuild it all the same, run the command again with --yes: that goes on from what is loaded already.',
    );
  } else console.log(`${name}: ${describe(done)}`);
  return done.outcome === 'rebuilt' || done.outcome === 'rebuilt-elsewhere' ? 0 : 1;
}

function describe(done: Exclude<RebuildOutcome | Rebuilt, { outcome: 'would-lose' }>): string {
  switch (done.outcome) {
    case 'rebuilt':
      return `rebuilt from version ${done.version}`;
    case 'rebuilt-elsewhere':
      return 'rebuilt by another process, which was faster';
    case 'stopped':
      return 'stopped half-way; run it again, or the next load continues it';
    case 'no-table':
      return 'not rebuilt, because there is no Delta table yet';
    case 'no-warehouse':
      return 'not rebuilt, because the app has no warehouse: its WAREHOUSE is none';
    case 'failed':
      return `not rebuilt: ${inertInLine(done.message)} (${done.code}, see docs/errors.md)`;
  }
}
