import { type AskedApp, examine } from '../lib/app/doctor';
import { type Finding, settingsExplained, wrong } from '../lib/doctor/finding';
import { TributaryError } from '../lib/errors';
import { inertInLine } from '../lib/inert';
import { problemsIn } from '../lib/settingReader';
import type { Settings } from '../lib/settings';
import { loadStreams } from '../lib/streams/loadStreams';
import { readWholeSettings, settingsFlag } from './appSettings';
import { action } from './commandLine/command';
import { howToStart, nothingRuns, runCommand } from './commandLine/runCommand';
import { appFlags } from './runInApp';

/*
 * `npm run doctor`: connects to every resource that the settings name, and says of each, in one line, whether the app can work with
 * it. It writes a small blob into the lake and deletes it again, and gives a ledger of an earlier release its new columns, as the app does.
 */

runCommand({
  call: 'npm run doctor',
  does: action({
    meaning:
      'Says of every resource that the settings name whether the app can work with it, and what mends it; and whether the app lists its functions.',
    flags: { ...appFlags, ...settingsFlag },
    run: ({ settings, ...app }) => examineAll(settings, app),
  }),
});

async function examineAll(file: string | undefined, app: AskedApp): Promise<number> {
  const settings = await readSettings(file);
  if (!settings) return 1;
  const besides = settings.problemsBesides();
  for (const problem of besides) tell(wrong('settings', problem, settingsExplained));
  let isWell = besides.length === 0;
  if (isWell) console.log('ok      settings: each has the form that is expected');
  for await (const findings of examine(settings, await loadStreams(), app))
    for (const finding of findings) {
      tell(finding);
      if (finding.state === 'wrong') isWell = false;
    }
  return isWell ? 0 : 1;
}

/** Without settings that can be read, nothing else can be looked at. */
async function readSettings(file: string | undefined): Promise<Settings | undefined> {
  try {
    return await readWholeSettings(file);
  } catch (error) {
    if (!(error instanceof TributaryError) || error.code !== 'settings.invalid') throw error;
    for (const problem of problemsIn(error)) tell(wrong('settings', problem, settingsExplained));
    return undefined;
  }
}

const marks: Readonly<Record<Finding['state'], string>> = { ok: 'ok', wrong: 'WRONG', unknown: '?' };

function tell({ what, state, says, remedy }: Finding): void {
  console.log(`${marks[state].padEnd(7)} ${what}: ${inertInLine(says)}`);
  if (remedy === undefined) return;
  const mends = nothingRuns(says) ? howToStart : remedy;
  console.log(`        to mend it: ${inertInLine(mends)}`);
}
