import { openLake } from '../lib/app/lake';
import { type Duty, performDuty } from '../lib/maintenance/maintainTables';
import { readAppSettings, settingsFlag } from './appSettings';
import { switchFlag } from './commandLine/arguments';
import { action } from './commandLine/command';
import { runCommand } from './commandLine/runCommand';
import { runLong } from './longTask';
import { noTable, tableWord } from './names';

/*
 * `npm run maintain -- checkpoint|compact|clean|vacuum <table>`: runs one task of the function maintainTables by hand.
 */

const words = { table: tableWord };
const dryRunFlag = { 'dry-run': switchFlag('say what would be done, and do nothing') };

const dutyAction = (duty: Duty, meaning: string) =>
  action({
    meaning,
    words,
    flags: { ...dryRunFlag, ...settingsFlag },
    run: ({ table, settings, 'dry-run': dryRun }) => maintain(duty, table, settings, dryRun),
  });

runCommand({
  call: 'npm run maintain',
  meaning: 'Runs a task of the function maintainTables by hand. The app may run meanwhile.',
  subcommands: {
    checkpoint: action({
      meaning: 'make the table quicker to open',
      words,
      flags: settingsFlag,
      run: ({ table, settings }) => maintain('checkpoint', table, settings, false),
    }),
    compact: dutyAction('compact', 'rewrite small files as large ones'),
    clean: dutyAction('clean', 'delete log entries that have expired'),
    vacuum: dutyAction('vacuum', 'delete files that no version needs any more'),
  },
});

async function maintain(
  duty: Duty,
  table: string,
  settings: string | undefined,
  dryRun: boolean,
): Promise<number> {
  const appSettings = await readAppSettings(settings);
  const at = (await openLake(appSettings)).at(table);
  const { targetFileBytes: targetBytes } = appSettings;
  const { outcome, ...details } = await runLong('Ended. Finished steps are kept.', (task) =>
    performDuty(duty, { at, dryRun, targetBytes, ...task }),
  );
  if (outcome === 'no-table') {
    console.error(noTable(at));
    return 1;
  }
  const figures = Object.entries(details).map(([what, value]) => `${what} ${value ?? 'none'}`);
  console.log(`${at.table}: ${duty} ${dryRun ? 'would be ' : ''}${outcome}: ${figures.join(', ')}`);
  return 0;
}
