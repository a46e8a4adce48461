import type { Environment } from '../../lib/settingDefinitions';
import { type Command, describeFlag, flagsOf, prefixOf, UsageError } from './command';

/*
 * npm keeps options to itself that stand in front of `--`, and tells a command of them only in its environment. Without a look there,
 * `npm run maintain vacuum clicks --dry-run` would delete files, and `npm run verify --settings FILE` would check another system.
 */

/**
 * npm has options of these names too, which people keep in their .npmrc, so they are not refused. A command that lacks them does no harm.
 */
const ofNpm: ReadonlySet<string> = new Set(['yes', 'key']);

/**
 * @param args what reached the command
 * @throws UsageError if npm kept an option that the command has
 */
export function refuseLostFlags(command: Command, args: readonly string[], environment: Environment): void {
  for (const [name, flag] of Object.entries(flagsOf(command))) {
    const kept = environment[`npm_config_${name.replaceAll('-', '_')}`];
    const isGiven = args.some((arg) => arg === `--${name}` || arg.startsWith(`--${name}=`));
    if (!kept || kept === 'false' || isGiven || ofNpm.has(name)) continue;
    throw new UsageError(
      `npm kept --${name} to itself: write options behind "--", as in "${prefixOf(command)} ${describeFlag(name, flag)}".`,
    );
  }
}
