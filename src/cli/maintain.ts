import { countedDimensions, openCounts, saveAllCounts } from '../lib/app/clicks';
import { type Lake, openExistingLake } from '../lib/app/lake';
import { latestStreams, openLatest } from '../lib/app/latest';
import { maintenanceActivities, untilStorageIsAway } from '../lib/app/maintenanceActivities';
import { runHere } from '../lib/app/runHere';
import { ProductNames } from '../lib/counts/productNames';
import { productsPath } from '../lib/counts/productsFile';
import type { FunctionApp } from '../lib/functionApp';
import { type Duty, duties, performDuty } from '../lib/maintenance/duties';
import {
  type MaintenanceResult,
  type MaintenanceStatus,
  type MaintenanceStep,
  maintainTables,
  maintenanceSteps,
} from '../lib/orchestrations/maintainTables';
import type { LakeSettings } from '../lib/settings';
import { readLakeSettings, settingsFlag } from './appSettings';
import { nameWord, switchFlag } from './commandLine/arguments';
import { action, optional, orList, UsageError } from './commandLine/command';
import { runCommand } from './commandLine/runCommand';
import { describePass, describePlan, inWords } from './describePass';
import { type LongTask, runLong } from './longTask';
import { noTable, tableWord } from './names';
import { appFlags, chooseApp, runInApp } from './runInApp';

/*
 * `npm run maintain`: starts the maintenance of the app's tables and follows it, or does the same here, without an app.
 */

interface Wanted {
  /** The one step to do; undefined for all steps. */
  readonly step: MaintenanceStep | undefined;
  readonly table: string | undefined;
}

const stepNames = async () =>
  new Map<string, MaintenanceStep | 'all'>(['all' as const, ...maintenanceSteps].map((step) => [step, step]));

runCommand({
  call: 'npm run maintain',
  does: action({
    meaning:
      'Maintains the tables of a running app, and tells how far it is: checkpoints; expired log entries and files deleted; small files rewritten as large ones; counts saved.',
    words: { step: optional(nameWord('step', stepNames)), table: optional(tableWord) },
    flags: {
      here: switchFlag('do it in this process, without the app; the app may run meanwhile'),
      'dry-run': switchFlag('say what would be done, and do nothing; without the app'),
      ...appFlags,
      ...settingsFlag,
    },
    run: async ({ step, table, here, 'dry-run': dryRun, settings, ...places }) => {
      const wanted: Wanted = { step: step === 'all' ? undefined : step, table };
      if (step === 'counts' && table !== undefined)
        throw new UsageError(`counts is a step of all tables together: leave out ${table}.`);
      if (dryRun) refuseUnplanned(wanted);
      const app = chooseApp({ settings, ...places }, dryRun ? '--dry-run' : here ? '--here' : undefined);
      if (app) return tell(await maintainInApp(wanted, app), wanted);
      const appSettings = await readLakeSettings(settings);
      const lake = await openExistingLake(appSettings);
      if (dryRun) return tellPlans(lake, appSettings, wanted);
      return tell(await maintain(lake, appSettings, wanted), wanted);
    },
  }),
});

/** Starts a pass in the app and follows it. Undefined if it did not end with a result, which is told. */
const maintainInApp = ({ table, step }: Wanted, app: FunctionApp) =>
  runInApp<MaintenanceStatus, MaintenanceResult>({
    ...{ noun: 'pass', app, path: '/api/maintenance', parameters: { table, step } },
    ifRunning: 'start-after',
    progressOf: inWords,
  });

/** Does the pass that the app would do, with the same steps, in this process. */
async function maintain(lake: Lake, settings: LakeSettings, wanted: Wanted): Promise<MaintenanceResult> {
  // If storage does not answer, every step waits for it, and counts wait twice. Reading a small file first finds that out once.
  await lake.store.get(productsPath);
  const names = new ProductNames(lake.store);
  const counts = (await countedDimensions()).map((counted) => ({
    stream: counted.stream.name,
    table: counted.stream.table,
    fold: openCounts(lake, settings, names, counted),
  }));
  const latest = (await latestStreams()).map((stream) => ({
    stream: stream.name,
    table: stream.table,
    fold: openLatest(lake, settings, stream),
  }));
  return runLong('Ended. Finished steps are kept.', ({ signal, progress }: LongTask) =>
    runHere(
      maintainTables,
      { tables: tablesOf(lake, wanted), steps: wanted.step ? [wanted.step] : maintenanceSteps, fullAt: null },
      {
        activities: untilStorageIsAway(
          maintenanceActivities({
            at: lake.at,
            targetBytes: settings.targetFileBytes,
            saveCounts: (ended) => saveAllCounts([...counts, ...latest], ended),
            signal,
          }),
        ),
        onStatus: (status) => progress(inWords(status as MaintenanceStatus)),
        signal,
      },
    ),
  );
}

/** Prints what a pass did. Exit code 1 if something failed, or the table that was asked for does not exist. */
function tell(result: MaintenanceResult | undefined, { table }: Wanted): number {
  if (!result) return 1;
  for (const line of describePass(result)) console.log(line);
  const isMissing =
    table !== undefined && result.tables.some(({ steps }) => Object.values(steps).includes('no-table'));
  return isMissing || result.failures.length > 0 ? 1 : 0;
}

/** The steps of a dry run. Making a checkpoint and saving counts are not among them, because they need no plan. */
const planned = duties.filter((duty) => duty !== 'checkpoint');

/** @throws UsageError for a step without a plan, because a dry run would have nothing to say about it */
function refuseUnplanned({ step }: Wanted): void {
  if (step === undefined || planned.some((duty) => duty === step)) return;
  throw new UsageError(`${step} has no --dry-run: expected ${orList([...planned, 'all'])}.`);
}

/** Prints what each step would do. */
async function tellPlans(lake: Lake, settings: LakeSettings, wanted: Wanted): Promise<number> {
  let code = 0;
  const steps = planned.filter((duty) => (wanted.step ?? duty) === duty);
  for (const table of tablesOf(lake, wanted))
    for (const step of steps) {
      if (await tellPlan(lake, settings, table, step)) continue;
      code = wanted.table ? 1 : code;
      break;
    }
  return code;
}

/** Prints what each step would do to a table. Returns false if there is no such table. */
async function tellPlan(lake: Lake, settings: LakeSettings, table: string, duty: Duty): Promise<boolean> {
  const plan = await runLong('Ended. Nothing was done.', (task) =>
    performDuty(duty, {
      at: lake.at(table),
      targetBytes: settings.targetFileBytes,
      dryRun: true,
      ...task,
    }),
  );
  if (plan.outcome === 'no-table') console.error(noTable(lake.at(table)));
  else console.log(`${table}: ${duty} ${describePlan(plan)}`);
  return plan.outcome !== 'no-table';
}

const tablesOf = (lake: Lake, { table }: Wanted): string[] =>
  table === undefined ? lake.tables.map(({ name }) => name) : [table];
