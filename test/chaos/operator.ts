import { setTimeout as sleep } from 'node:timers/promises';
import type { Health } from '../../src/lib/health/health';
import type { Remedy } from '../../src/lib/health/remedies';
import { parseCommandLine, runCommandLine } from './commandLine';
import { type ChaosSystem, hostNames } from './system';

const lookEveryMs = 1000;
/** How old a problem may be that health tells without a time. A command that ended since then may have repaired it already. */
const answerAgeMs = 14_000;
/** Longer than the minute between two catch-ups of the warehouse, and than it takes to retry all batches. */
const limitMs = 300_000;
const askLimitMs = 20_000;

/** The commands that must run at least once, by script and first word. */
const expected = ['table repair', 'checkpoints reset', 'warehouse rebuild'] as const;

/** A part of the health, with the command that mends it. */
interface Mendable {
  readonly remedy?: Remedy;
  readonly lastFailure?: string;
}

/** The operator of the system. It only knows the answers of GET /api/health, and only runs the commands in them. It adds --here to a rebuild. */
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
   * Runs the commands that health names until all is well for a while. Returns the problems if that does not happen in time.
   * @param isWell called when there is no command to run
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
      // Run only the first command, because health may name other commands after it.
      const [first] = due;
      const problems = first ? await this.#run(first) : [];
      if (problems.length > 0) return problems;
      await sleep(lookEveryMs);
    }
  }

  timesOf(command: string): number {
    return this.remedies[command] ?? 0;
  }

  /** The health of all hosts that answer. */
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
      ...streams.flatMap(({ failures, problems, partitions }) => [...failures, ...problems, ...partitions]),
      ...[warehouse, ...warehouse.tables],
    ]);
    const news = due.filter((one: Mendable) => this.#isNews(one));
    const byCommand = news.flatMap(({ remedy }) => (remedy ? [[remedy.command, remedy] as const] : []));
    return [...new Map(byCommand).values()];
  }

  /** Whether the command has not been run since the last failure. */
  #isNews({ remedy, lastFailure }: Mendable): boolean {
    const endedAt = this.#endedAt.get(remedy?.command ?? '') ?? 0;
    return (lastFailure ? Date.parse(lastFailure) : Date.now() - answerAgeMs) > endedAt;
  }

  /** Runs a command. If it fails, it is run again as long as health names it. */
  async #run({ command, stopApp }: Remedy): Promise<string[]> {
    const problems = stopApp ? await this.#system.stopHosts() : [];
    const { script, args } = parseCommandLine(command);
    const name = `${script} ${args[0]}`;
    // The hosts may be killed at any moment, and nobody would follow what the app does.
    const line = name === 'warehouse rebuild' ? `${command} --here` : command;
    const { code, output } = await runCommandLine(line, this.#system.settings);
    this.#log(`${command}: exit code ${code}\n${output.trimEnd().replace(/^/gm, '          ')}`);
    if (stopApp) await this.#system.startHosts();
    this.#endedAt.set(command, Date.now());
    if (code === 0) this.remedies[name] = this.timesOf(name) + 1;
    return problems;
  }
}

export const streamsAreWell = (healths: readonly Health[]): boolean =>
  healths.every(({ error, streams }) => !error && streams.every(({ status }) => status === 'ok'));

export const allIsWell = (healths: readonly Health[]): boolean =>
  healths.every(({ status }) => status === 'ok');
