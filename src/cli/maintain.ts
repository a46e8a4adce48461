import { type Duty, duties, performDuty } from '../lib/maintenance/maintainTables';
import { settingsFlag } from './appSettings';
import { describeFlags, type Flags, readFlags, runCommand, UsageError } from './commandLine';
import { readTable } from './tableArgument';

/*
 * `npm run maintain -- checkpoint|compact|clean|vacuum <table>`: does by hand what the function maintainTables does by itself.
 */

const flags = {
  'dry-run': { meaning: 'say what would be done, and do nothing; a checkpoint has no such run' },
  ...settingsFlag,
} satisfies Flags;

const usage = `npm run maintain -- ${duties.join('|')} <table> [options]\n${describeFlags(flags)}`;

runCommand(usage, async (args) => {
  const [word, name, ...rest] = args;
  const duty = duties.find((each): each is Duty => each === word);
  if (!duty) throw new UsageError(`Say ${duties.slice(0, -1).join(', ')} or ${duties.at(-1)}.`);
  const { 'dry-run': dry, settings } = readFlags(flags, rest);
  const dryRun = dry === true;
  if (dryRun && duty === 'checkpoint') throw new UsageError('--dry-run: a checkpoint has none.');
  const at = await readTable(name, settings);
  const ended = new AbortController();
  process.once('SIGINT', () => ended.abort(new Error('Ended; what was done until now counts.')));
  const { outcome, ...details } = await performDuty(duty, {
    at,
    dryRun,
    signal: ended.signal,
    progress: ({ step, done, total }) => {
      if (process.stderr.isTTY) process.stderr.write(`\r${step} ${done} of ${total}\u001b[K`);
    },
  });
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  if (outcome === 'no-table') {
    console.error(`${at.store.name} has no table ${at.table}.`);
    return 1;
  }
  const figures = Object.entries(details).map(([what, value]) => `${what} ${value ?? 'none'}`);
  console.log(`${at.table}: ${duty} ${dryRun ? 'would be ' : ''}${outcome}: ${figures.join(', ')}`);
  return 0;
});
