import { setTimeout as delay } from 'node:timers/promises';
import type { Invoker } from '../host/invoke';
import { describeError, type Log } from '../host/log';
import { Claims } from './claims';
import { type ActivityResult, callActivity, type DurableFunction, failureOf } from './durableFunctions';
import type { Codec } from './history';
import type { HostLease } from './hostLease';
import { type Instance, isAwake, isFinished, type Task } from './instance';
import type { Instances } from './instances';
import { fireTimers, takeResult } from './scheduler';
import type { Stored } from './taskHub';
import { failUnknown, takeTurns, unknownFunction } from './turns';

/** From one look at the task hub to the next. */
const pollMs = 500;
/** After this time, work that another host should have done is done here. It may be busy with it, which is no harm. */
const patienceMs = 1_500;
/** From one attempt to store a result to the next, while the storage is away. */
const retryMs = 1_000;

/** The durable functions of the app. */
export interface Registry {
  orchestrators: ReadonlyMap<string, DurableFunction>;
  activities: ReadonlyMap<string, DurableFunction>;
  /** The names of all functions, also of those that a setting disables here. */
  names(kind: 'orchestrator' | 'activity'): string[];
  acceptsVersion(version: string | undefined): boolean;
}

export interface WorkerOptions {
  instances: Instances;
  lease: HostLease;
  registry: Registry;
  codec: Codec;
  invoker: Invoker;
  log: Log;
  maxActivities: number;
  /** The time by the task hub's clock, in milliseconds. */
  now: () => number;
}

/** Does what is due in the task hub: turns of orchestrators, timers, and activities. */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #claims: Claims;
  readonly #stopping = new AbortController();
  /** When this host first saw the present state of an instance. */
  readonly #seen = new Map<string, { etag: string; at: number }>();
  readonly #busy = new Set<string>();
  readonly #running = new Map<Promise<void>, string>();
  #looking: Promise<void> = Promise.resolve();
  #nudge = new AbortController();

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#claims = new Claims({ host: options.lease.name, limit: options.maxActivities });
  }

  start(): void {
    this.#options.lease.start();
    this.#looking = this.#look();
  }

  /** Takes on nothing more, and resolves when what runs has ended. */
  async drain(): Promise<void> {
    this.#stopping.abort();
    this.#nudge.abort();
    await this.#looking;
    await this.idle();
  }

  /** Resolves when a function, or all of them, no longer run. */
  async idle(name?: string): Promise<void> {
    const running = [...this.#running].filter(([, one]) => name === undefined || one === name);
    await Promise.all(running.map(([work]) => work));
  }

  close(): Promise<void> {
    return this.#options.lease.close();
  }

  /** Looks at once for what is due, because something was changed. */
  nudge(): void {
    this.#nudge.abort();
  }

  /**
   * Changes an instance, goes on with it, and claims tasks, in one write. If `before` returns undefined, nothing is done. `ending` is
   * how many activities end with that.
   */
  async #advance(
    id: string,
    before: (instance: Instance) => Instance | undefined,
    ending: number,
  ): Promise<void> {
    let tokens: string[] = [];
    const change = async (instance: Instance) => {
      this.#claims.release(tokens);
      tokens = [];
      const begun = before(instance);
      if (!begun) return undefined;
      const claimed = this.#claimTasks(await this.#goOn(begun), ending);
      tokens = claimed.tokens;
      return claimed.next === instance ? undefined : claimed.next;
    };
    try {
      await this.#options.instances.change(id, change, (written) => {
        const mine = written.tasks.filter(({ claim }) => claim && tokens.includes(claim.token));
        tokens = [];
        for (const task of mine) this.#run(id, task);
        this.nudge();
      });
    } finally {
      this.#claims.release(tokens);
    }
  }

  /** Fires timers and gives the orchestrator its turns, if it runs here. */
  async #goOn(instance: Instance): Promise<Instance> {
    const { registry, codec, invoker, now, lease } = this.#options;
    // When this host ends, others need not wait for it.
    if (this.#stopping.signal.aborted) return { ...instance, host: null };
    if (!this.#isForThisHost(instance)) return instance;
    const at = new Date(now()).toISOString();
    const fired = fireTimers(instance, at);
    if (!isAwake(fired)) return fired;
    const orchestrator = registry.orchestrators.get(instance.name);
    if (!orchestrator) return failUnknown(instance, registry.names('orchestrator'), at);
    const next = await takeTurns(fired, orchestrator, { codec, invoker, now });
    if (next.status === 'Failed') this.#options.log('error', next.name, `${next.id}: ${next.output}`);
    return isFinished(next) ? next : { ...next, host: lease.name };
  }

  #isForThisHost({ name, version }: Instance): boolean {
    const { registry } = this.#options;
    const isElsewhere = !registry.orchestrators.has(name) && registry.names('orchestrator').includes(name);
    return !isElsewhere && registry.acceptsVersion(version);
  }

  #claimTasks(instance: Instance, ending: number): { next: Instance; tokens: string[] } {
    if (this.#stopping.signal.aborted || !this.#options.lease.isHeld) return { next: instance, tokens: [] };
    return this.#claims.claim(instance, (task) => this.#canRun(task), ending);
  }

  #canRun({ name }: Task): boolean {
    const { registry } = this.#options;
    return registry.activities.has(name) || !registry.names('activity').includes(name);
  }

  #run(instanceId: string, task: Task): void {
    const running = this.#runTask(instanceId, task).finally(() => this.#running.delete(running));
    this.#running.set(running, task.name);
  }

  async #runTask(instanceId: string, { name, input, claim }: Task): Promise<void> {
    const { registry, invoker } = this.#options;
    const activity = registry.activities.get(name);
    const result: ActivityResult = activity
      ? await callActivity(activity, { instanceId, input }, invoker)
      : { failure: failureOf(name, unknownFunction(name, 'activity', registry.names('activity'))) };
    if (claim) await this.#record(instanceId, claim.token, result);
  }

  /** Stores a result. While the storage is away, this is tried again, because the work would otherwise be done twice. */
  async #record(instanceId: string, token: string, result: ActivityResult): Promise<void> {
    for (let failed = false; ; ) {
      try {
        await this.#advance(instanceId, (instance) => takeResult(instance, token, result), 1);
        this.#claims.release([token]);
        this.nudge();
        return;
      } catch (error) {
        if (!failed)
          this.#options.log(
            'warning',
            'host',
            `A result of ${instanceId} is not stored yet: ${describeError(error)}`,
          );
        failed = true;
        if (this.#stopping.signal.aborted) return;
        await delay(retryMs);
      }
    }
  }

  async #look(): Promise<void> {
    const { signal } = this.#stopping;
    let isAway = false;
    while (!signal.aborted) {
      const until = Date.now() + pollMs;
      try {
        await this.#options.instances.refresh();
        await this.#findGone();
        isAway = false;
      } catch (error) {
        if (!isAway)
          this.#options.log('warning', 'host', `The task hub cannot be read: ${describeError(error)}`);
        isAway = true;
      }
      do {
        this.#nudge = new AbortController();
        this.#takeUp();
        await this.#rest(until);
      } while (!signal.aborted && Date.now() < until);
    }
  }

  /** Waits until a time, or until a timer is due or something has changed. */
  async #rest(until: number): Promise<void> {
    const times = this.#options.instances.open.flatMap(({ instance }) =>
      instance.timers.map(({ fireAt }) => Date.parse(fireAt)),
    );
    const now = this.#options.now();
    const next = Math.min(
      until - Date.now(),
      ...times.filter((time) => time > now).map((time) => time - now),
    );
    await delay(Math.max(1, next), undefined, { signal: this.#nudge.signal }).catch(() => undefined);
  }

  async #findGone(): Promise<void> {
    const { instances, lease } = this.#options;
    const claims = instances.open.flatMap(({ instance }) =>
      instance.tasks.flatMap(({ claim }) => claim ?? []),
    );
    const others = new Set(claims.map(({ host }) => host).filter((host) => host !== lease.name));
    const gone: string[] = [];
    for (const host of others) if (await lease.isGone(host)) gone.push(host);
    this.#claims.setGone(gone);
  }

  #takeUp(): void {
    const { open } = this.#options.instances;
    for (const id of this.#seen.keys())
      if (!open.some(({ instance }) => instance.id === id)) this.#seen.delete(id);
    for (const stored of open) {
      const { id } = stored.instance;
      if (this.#busy.has(id) || !this.#hasWork(stored)) continue;
      this.#busy.add(id);
      const work = this.#advance(id, (same) => same, 0)
        .catch((error) =>
          this.#options.log('warning', 'host', `${id} does not go on: ${describeError(error)}`),
        )
        .finally(() => {
          this.#busy.delete(id);
          this.#running.delete(work);
        });
      this.#running.set(work, stored.instance.name);
    }
  }

  #hasWork({ instance, etag }: Stored): boolean {
    const { lease, now } = this.#options;
    const seen = this.#seen.get(instance.id);
    if (seen?.etag !== etag) this.#seen.set(instance.id, { etag, at: Date.now() });
    const age = seen?.etag === etag ? Date.now() - seen.at : 0;
    const patience = instance.host === null || instance.host === lease.name ? 0 : patienceMs;
    if (this.#isForThisHost(instance)) {
      if (isAwake(instance) && age >= patience) return true;
      const due = new Date(now() - patience).toISOString();
      if (instance.timers.some(({ fireAt }) => fireAt <= due)) return true;
    }
    if (!lease.isHeld || this.#claims.free <= 0) return false;
    return instance.tasks.some((task) => this.#claims.isFree(task) && this.#canRun(task));
  }
}
