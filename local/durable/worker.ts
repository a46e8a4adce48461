import { setTimeout as sleep } from 'node:timers/promises';
import type { Invoker } from '../host/invoke';
import { describeError, type Log } from '../host/log';
import { Claims } from './claims';
import { type ActivityResult, callActivity, type DurableFunction, failureOf } from './durableFunctions';
import type { Codec } from './history';
import type { HostLease } from './hostLease';
import { HubWatch } from './hubWatch';
import { type Instance, isAwake, isFinished, type Task } from './instance';
import type { Instances } from './instances';
import { fireTimers, takeResult } from './scheduler';
import { failUnknown, takeTurns, unknownFunction } from './turns';

/** How long to wait before another attempt to store a result while the storage is unreachable, in milliseconds. */
const retryMs = 1_000;

/** The durable functions of the app. */
export interface Registry {
  orchestrators: ReadonlyMap<string, DurableFunction>;
  activities: ReadonlyMap<string, DurableFunction>;
  /** The names of all functions, including those that a setting disables here. */
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

/** Does the work that is due in the task hub: turns of orchestrators, timers, and activities. */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #claims: Claims;
  readonly #watch: HubWatch;
  /** The activities that run here, with their names. */
  readonly #running = new Map<Promise<void>, string>();
  #isStopping = false;

  constructor(options: WorkerOptions) {
    const { instances, lease, log, now, maxActivities } = options;
    this.#options = options;
    this.#claims = new Claims({ host: lease.name, limit: maxActivities });
    this.#watch = new HubWatch({
      instances,
      lease,
      claims: this.#claims,
      log,
      now,
      isForThisHost: (instance) => this.#isForThisHost(instance),
      canRun: (task) => this.#canRun(task),
      advance: (id) => this.#advance(id, (same) => same, 0),
    });
  }

  start(): void {
    this.#options.lease.start();
    this.#watch.start();
  }

  /** Looks at once for what is due, because something was changed. */
  nudge(): void {
    this.#watch.nudge();
  }

  /** Begins no more work. Resolves when the running work has ended. */
  async drain(): Promise<void> {
    this.#isStopping = true;
    await this.#watch.stop();
    await Promise.all(this.#running.keys());
  }

  /** Resolves when an activity no longer runs. */
  async idle(activity: string): Promise<void> {
    const running = [...this.#running].filter(([, name]) => name === activity);
    await Promise.all(running.map(([work]) => work));
  }

  close(): Promise<void> {
    return this.#options.lease.close();
  }

  /**
   * Changes an instance, goes on with it, and claims tasks, in one write. If `before` returns undefined, nothing is done. `ending` is the
   * number of activities that end with this.
   */
  async #advance(
    id: string,
    before: (instance: Instance) => Instance | undefined,
    ending: number,
  ): Promise<void> {
    let tokens: string[] = [];
    let wasFinished = false;
    const change = async (instance: Instance) => {
      wasFinished = isFinished(instance);
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
        if (written.status === 'Failed' && !wasFinished)
          this.#options.log('error', written.name, `${id}: ${written.output}`);
        this.nudge();
      });
    } finally {
      this.#claims.release(tokens);
    }
  }

  /** Fires timers and gives the orchestrator its turns, if it runs here. */
  async #goOn(instance: Instance): Promise<Instance> {
    const { registry, codec, invoker, now, lease } = this.#options;
    // This host ends, so other hosts need not wait for it.
    if (this.#isStopping) return { ...instance, host: null };
    if (!this.#isForThisHost(instance)) return instance;
    const at = new Date(now()).toISOString();
    const fired = fireTimers(instance, at);
    if (!isAwake(fired)) return fired;
    const orchestrator = registry.orchestrators.get(instance.name);
    if (!orchestrator) return failUnknown(instance, registry.names('orchestrator'), at);
    const next = await takeTurns(fired, orchestrator, { codec, invoker, now });
    return isFinished(next) ? next : { ...next, host: lease.name };
  }

  #isForThisHost({ name, version }: Instance): boolean {
    const { registry } = this.#options;
    const isElsewhere = !registry.orchestrators.has(name) && registry.names('orchestrator').includes(name);
    return !isElsewhere && registry.acceptsVersion(version);
  }

  #claimTasks(instance: Instance, ending: number): { next: Instance; tokens: string[] } {
    if (this.#isStopping || !this.#options.lease.isHeld) return { next: instance, tokens: [] };
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
    const known = registry.names('activity');
    if (!claim || (!activity && known.includes(name))) {
      // This host was told to stop at the same moment. Another host runs the activity when this one has ended.
      this.#claims.release(claim ? [claim.token] : []);
      return;
    }
    const result: ActivityResult = activity
      ? await callActivity(activity, { instanceId, input }, invoker)
      : { failure: failureOf(name, unknownFunction(name, 'activity', known)) };
    await this.#record(instanceId, claim.token, result);
  }

  /** Stores a result. While the storage is unreachable, it tries again, because otherwise the work would be done twice. */
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
        if (this.#isStopping) return;
        await sleep(retryMs);
      }
    }
  }
}
