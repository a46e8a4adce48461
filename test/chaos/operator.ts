import { setTimeout as sleep } from 'node:timers/promises';
import type { Health } from '../../src/lib/health/health';
import type { Remedy } from '../../src/lib/health/remedies';
import { parseCommandLine, runCommandLine } from './commandLine';
import { type ChaosSystem, hostNames } from './system';

const lookEveryMs = 1000;
/** How old what health says of the warehouse may be: a command that ended since may have mended it. */
const warehouseAgeMs = 11_000;
/** Longer than a minute between two catch-ups of the warehouse, and than all batches take to be tried again. */
const limitMs = 300_000;
const askLimitMs = 20_000;

/** The commands that a run has to meet, by script and first word. */
const expected = ['table repair', 'checkpoints reset', 'warehouse rebuild'] as const;

/** Whoever looks after the system: knows nothing but GET /api/health, and does nothing but what that says. */
export class Operator {
  /** How often each command succeeded. */
  readonly remedies: Record<string, number> = Object.fromEntries(expected.map((name) => [name, 0]));
  readonly #system: ChaosSystem;
  readonly #log: (line: string) => void;
  /** When each command ended last, in milliseconds since 1970. */
  readonly #endedAt = new Map<string, number>();

  constructor(system: ChaosSystem, log: (line: string) => void) {
    this.#system = system;
    this.#log = log;
  }

  /**
   * Runs the commands that health names until all is well for a while. Returns what is wrong where it does not come to that.
   * @param isWell is asked when no command is left to run
   */
  async mend(isWell: (healths: readonly Health[]) => Promise<boolean>, wellForMs = 0): Promise<string[]> {
    const giveUpAt = Date.now() + limitMs;
    for (let wellSince = Number.POSITIVE_INFINITY; ; ) {
      const healths = await this.#ask();
      const due = this.#dueRemedies(healths);
      const isSo = due.length === 0 && healths.length === hostNames.length && (await isWell(healths));
      wellSince = isSo ? Math.min(wellSince, Date.now()) : Number.POSITIVE_INFINITY;
      if (Date.now() - wellSince >= wellForMs) return [];
      if (Date.now() > giveUpAt)
        return [`Not mended in ${limitMs / 1000} s, and health says: ${JSON.stringify(healths)}`];
      // What is named next may be another thing once the first one is mended.
      const [first] = due;
      const problems = first ? await this.#run(first) : [];
      if (problems.length > 0) return problems;
      await sleep(lookEveryMs);
    }
  }

  timesOf(command: string): number {
    return this.remedies[command] ?? 0;
  }

  /** What those hosts say that answer. */
  async #ask(): Promise<Health[]> {
    const answers = hostNames.map(async (name) => {
      const reply = await fetch(`${this.#system.hostUrl(name)}/api/health`, {
        signal: AbortSignal.timeout(askLimitMs),
      });
      return (await reply.json()) as Health;
    });
    const settled = await Promise.allSettled(answers);
    return settled.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  }

  #dueRemedies(healths: readonly Health[]): Remedy[] {
    const due = healths.flatMap(({ streams, warehouse }) => [
      ...streams.flatMap(({ failures }) => failures).filter((one) => this.#isNews(one)),
      ...warehouse.tables.filter((one) => this.#isNews(one)),
    ]);
    const byCommand = due.flatMap(({ remedy }) => (remedy ? [[remedy.command, remedy] as const] : []));
    return [...new Map(byCommand).values()];
  }

  /** Whether the command that is named has not been run since. */
  #isNews({ remedy, lastFailure }: { readonly remedy?: Remedy; readonly lastFailure?: string }): boolean {
    const endedAt = this.#endedAt.get(remedy?.command ?? '') ?? 0;
    return (lastFailure ? Date.parse(lastFailure) : Date.now() - warehouseAgeMs) > endedAt;
  }

  /** A command that fails is run again when it is still named. */
  async #run({ command, stopApp }: Remedy): Promise<string[]> {
    const problems = stopApp ? await this.#system.stopHosts() : [];
    const { code, output } = await runCommandLine(command, this.#system.settings);
    this.#log(`${command}: exit code ${code}\n${output.trimEnd().replace(/^/gm, '          ')}`);
    if (stopApp) await this.#system.startHosts();
    this.#endedAt.set(command, Date.now());
    const { script, args } = parseCommandLine(command);
    const name = `${script} ${args[0]}`;
    if (code === 0) this.remedies[name] = this.timesOf(name) + 1;
    return problems;
  }
}

export const streamsAreWell = (healths: readonly Health[]): boolean =>
  healths.every(({ error, streams }) => !error && streams.every(({ status }) => status === 'ok'));

export const allIsWell = (healths: readonly Health[]): boolean =>
  healths.every(({ status }) => status === 'ok');
