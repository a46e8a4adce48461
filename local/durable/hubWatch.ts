import { pauseFor } from '../../src/lib/pauseFor';
import { describeError, type Log } from '../host/log';
import type { Claims } from './claims';
import type { HostLease } from './hostLease';
import { type Instance, isAwake, type Task } from './instance';
import type { Instances } from './instances';
import type { Stored } from './taskHub';

/** How often the task hub is looked at, in milliseconds. */
const pollMs = 500;
/** After this time, in milliseconds, this host does work that another host should have done. If that one is only slow, no harm is done. */
const patienceMs = 1_500;

export interface HubWatchOptions {
  instances: Instances;
  lease: HostLease;
  claims: Claims;
  log: Log;
  /** The time by the task hub's clock, in milliseconds. */
  now: () => number;
  /** Whether the instance's orchestrator runs in this host. */
  isForThisHost(instance: Instance): boolean;
  canRun(task: Task): boolean;
  /** Does the work that is due in an instance. */
  advance(id: string): Promise<void>;
}

/** Looks at the task hub again and again, and finds work that is due: messages, timers, and activities that nobody runs. */
export class HubWatch {
  readonly #options: HubWatchOptions;
  readonly #stopping = new AbortController();
  /** For each instance, when this host first saw its present state. */
  readonly #seen = new Map<string, { etag: string; at: number }>();
  readonly #busy = new Map<string, Promise<void>>();
  #looking: Promise<void> = Promise.resolve();
  #nudge = new AbortController();

  constructor(options: HubWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#looking = this.#look();
  }

  /** Stops looking. Resolves when all work that it has begun is done. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.nudge();
    await this.#looking;
    await Promise.all(this.#busy.values());
  }

  /** Looks at once, because something has changed. */
  nudge(): void {
    this.#nudge.abort();
  }

  async #look(): Promise<void> {
    const { signal } = this.#stopping;
    let isAway = false;
    while (!signal.aborted) {
      const until = performance.now() + pollMs;
      try {
        await this.#options.instances.refresh();
        await this.#findGone();
        isAway = false;
      } catch (error) {
        if (!isAway)
          this.#options.log('warning', 'host', `The task hub cannot be read: ${describeError(error)}`);
        isAway = true;
        await pauseFor(pollMs, signal);
        continue;
      }
      do {
        this.#nudge = new AbortController();
        this.#takeUp();
        await this.#rest(until);
      } while (!signal.aborted && performance.now() < until);
    }
  }

  /** Waits until a time, or until a timer is due or something has changed. */
  async #rest(until: number): Promise<void> {
    const times = this.#options.instances.open.flatMap(({ instance }) =>
      instance.timers.map(({ fireAt }) => Date.parse(fireAt)),
    );
    const now = this.#options.now();
    const next = Math.min(
      until - performance.now(),
      ...times.filter((time) => time > now).map((time) => time - now),
    );
    await pauseFor(Math.max(1, next), this.#nudge.signal);
  }

  async #findGone(): Promise<void> {
    const { instances, lease, claims } = this.#options;
    const claimed = instances.open.flatMap(({ instance }) =>
      instance.tasks.flatMap(({ claim }) => claim ?? []),
    );
    const others = new Set(claimed.map(({ host }) => host).filter((host) => host !== lease.name));
    const gone: string[] = [];
    for (const host of others) if (await lease.isGone(host)) gone.push(host);
    claims.setGone(gone);
  }

  #takeUp(): void {
    const { open } = this.#options.instances;
    for (const id of this.#seen.keys())
      if (!open.some(({ instance }) => instance.id === id)) this.#seen.delete(id);
    for (const stored of open) {
      const { id } = stored.instance;
      if (this.#busy.has(id) || !this.#hasWork(stored)) continue;
      const work = this.#options
        .advance(id)
        .catch((error) =>
          this.#options.log('warning', 'host', `${id} does not go on: ${describeError(error)}`),
        )
        .finally(() => this.#busy.delete(id));
      this.#busy.set(id, work);
    }
  }

  #hasWork({ instance, etag }: Stored): boolean {
    const { lease, claims, now, canRun } = this.#options;
    const seen = this.#seen.get(instance.id);
    if (seen?.etag !== etag) this.#seen.set(instance.id, { etag, at: performance.now() });
    const age = seen?.etag === etag ? performance.now() - seen.at : 0;
    const patience = instance.host === null || instance.host === lease.name ? 0 : patienceMs;
    if (this.#options.isForThisHost(instance)) {
      if (isAwake(instance) && age >= patience) return true;
      const due = new Date(now() - patience).toISOString();
      if (instance.timers.some(({ fireAt }) => fireAt <= due)) return true;
    }
    if (!lease.isHeld || claims.free <= 0) return false;
    return instance.tasks.some((task) => claims.isFree(task) && canRun(task));
  }
}
