import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type HostProcess, type HostProcessOptions, startHostProcess } from '../../local/processes';
import { otherGroups } from '../../local/scaleGroups';
import { inParallel } from '../../src/lib/inParallel';
import { integerBetween, type Random } from '../../src/lib/sources/seededRandom';

/** Loaded into each process, so that its clock can jump. */
const jumpingClock = join(__dirname, 'jumpingClock.js');
/** How often starting a process may fail because of storage faults before it must be something else. */
const startAttempts = 10;
/** How many scale groups of a host are started at once. */
const startsAtOnce = 2;

export const hostNames = ['one', 'two'] as const;
export type HostName = (typeof hostNames)[number];

/** The name of the process that has all functions. */
const whole = '';
const http = 'http';
const durable = 'durable';
const ingest = 'ingestClickstream';

export interface HostsOptions {
  readonly folder: string;
  readonly logDir: string;
  readonly settings: Readonly<Record<string, string>>;
  /** Decides which scale group is killed. Given, each host is a process for each scale group; otherwise it is one process. */
  readonly groupRandom: Random | undefined;
}

/** The hosts of the app: both have all functions, each in one process, or in one for each scale group. */
export class Hosts {
  /** A line for each process that ended by itself. */
  readonly problems: string[] = [];
  readonly #options: HostsOptions;
  /** How often each scale group was killed. */
  readonly #killed = new Map<string, number>();
  /** The processes of each host, by their scale group. */
  readonly #processes: Readonly<Record<HostName, Map<string, HostProcess>>> = {
    one: new Map(),
    two: new Map(),
  };

  constructor(options: HostsOptions) {
    this.#options = options;
  }

  /** The address of a host's API; undefined while it is down. */
  url(name: HostName): string | undefined {
    return this.#find(name, http)?.url;
  }

  /** The process of a host that ingests; undefined while it is down. */
  ingesting(name: HostName): HostProcess | undefined {
    return this.#find(name, ingest);
  }

  #find(name: HostName, group: string): HostProcess | undefined {
    return this.#processes[name].get(this.#options.groupRandom ? group : whole);
  }

  async start(): Promise<void> {
    await inParallel(hostNames, startsAtOnce, (name) => this.#startAll(name));
  }

  async #startAll(name: HostName): Promise<void> {
    if (!this.#options.groupRandom) return void (await this.#start(name, whole));
    const groups = await otherGroups(await this.#start(name, http));
    await inParallel(groups, startsAtOnce, (group) => this.#start(name, group));
  }

  /**
   * Kills hosts with SIGKILL; of hosts that have a process for each scale group, the process of one group, the same in each. Resolves
   * when they run again, to what was killed.
   */
  async kill(names: readonly HostName[]): Promise<string> {
    const group = this.#drawGroup();
    const killed = names.map((name) => ({ name, process: this.#processes[name].get(group) }));
    for (const { name, process } of killed) {
      process?.kill('SIGKILL');
      this.#processes[name].delete(group);
    }
    await Promise.all(
      killed.map(async ({ name, process }) => {
        const end = await process?.exited;
        if (end !== 'SIGKILL')
          this.problems.push(`Host ${instanceOf(name, group)} had ended by itself (${end}).`);
        await this.#start(name, group);
      }),
    );
    return group;
  }

  /**
   * Draws one of the scale groups that were killed least often, so that a run kills each of them once before one a second time. The
   * first is that of the orchestrations.
   */
  #drawGroup(): string {
    const { groupRandom } = this.#options;
    if (!groupRandom) return whole;
    const kills = (group: string) => this.#killed.get(group) ?? 0;
    const groups = [...this.#processes.one.keys()].sort();
    const least = groups.filter((group) => kills(group) === Math.min(...groups.map(kills)));
    const drawn = least[integerBetween(groupRandom, 0, least.length)] ?? http;
    const group = this.#killed.size === 0 ? durable : drawn;
    this.#killed.set(group, kills(group) + 1);
    return group;
  }

  /** Says how often each scale group was killed; undefined if each host is one process. */
  get groupsKilled(): string | undefined {
    if (!this.#options.groupRandom) return undefined;
    const groups = [...this.#processes.one.keys()].sort();
    return groups.map((group) => `${group} ${this.#killed.get(group) ?? 0}`).join(', ');
  }

  /** Ends all processes in order. Returns a line for each that did not end cleanly. */
  async stop(): Promise<string[]> {
    const processes = hostNames.flatMap((name) => [...this.#processes[name].values()]);
    for (const name of hostNames) this.#processes[name].clear();
    const ends = processes.map(async (process) => ({ name: process.name, code: await process.stop() }));
    return (await Promise.all(ends))
      .filter(({ code }) => code !== 0)
      .map(({ name, code }) => `Host ${name} did not end cleanly (${code}); see ${this.#options.logDir}.`);
  }

  /** Sets the clock of a host ahead, or right again with 0. A process that starts meanwhile has this clock too. */
  setClockAhead(name: HostName, aheadMs: number): void {
    writeFileSync(this.#clockFile(name), String(aheadMs));
  }

  /** The file with the time by which a host's clock is ahead. It is a file, because it must still apply when the host starts again. */
  #clockFile(name: HostName): string {
    return join(this.#options.folder, `${name}.clock`);
  }

  async #start(name: HostName, group: string): Promise<HostProcess> {
    const { settings, logDir } = this.#options;
    const clock = { NODE_OPTIONS: `--require ${jumpingClock}`, CHAOS_CLOCK_FILE: this.#clockFile(name) };
    const options: HostProcessOptions = {
      ...{ port: 0, instance: instanceOf(name, group), logDir, startLimitMs: 20_000 },
      ...(group !== whole && { group }),
      settings: { ...settings, ...clock },
    };
    for (let attempt = 1; ; attempt++) {
      try {
        const host = await startHostProcess(options);
        this.#processes[name].set(group, host);
        return host;
      } catch (error) {
        if (attempt === startAttempts) throw error;
      }
    }
  }
}

/** The name of a process and of its log. */
const instanceOf = (name: HostName, group: string) => (group === whole ? name : `${name}-${group}`);
