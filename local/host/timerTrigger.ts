import { RestError } from '@azure/storage-blob';
import { parseJsonObject } from '../../src/lib/jsonObject';
import { pauseFor } from '../../src/lib/pauseFor';
import { askStorage } from './hostStorage';
import { describeError } from './log';
import { type RetryPolicy, readRetryPolicy, runWithRetry } from './retryPolicy';
import { isSubMinute, parseSchedule, type Schedule } from './schedule';
import { resolveNames } from './settings';
import { holdSingletonLease } from './singletonLease';
import { findBindingName, type Trigger, type TriggerHost, type TriggerOptions } from './trigger';

/** The longest wait that setTimeout supports. */
const longestWaitMs = 2 ** 31 - 1;

/** The status of a schedule, as the real host stores it. Its dates are in ISO format. */
interface ScheduleStatus {
  Last: string;
  Next: string;
  LastUpdated: string;
}

/** Runs a timer function on its schedule: one run at a time, and on one host of the app, which a blob lease ensures. */
export function createTimerTrigger(host: TriggerHost, options: TriggerOptions): Trigger {
  return new TimerTrigger(host, options);
}

class TimerTrigger implements Trigger {
  readonly #schedule: Schedule;
  readonly #policy: RetryPolicy | undefined;
  readonly #monitored: boolean;
  readonly #stopping = new AbortController();
  #listening: Promise<void> = Promise.resolve();
  #current: Promise<unknown> = Promise.resolve();
  #runs = 0;
  readonly #host: TriggerHost;
  readonly #options: TriggerOptions;

  constructor(host: TriggerHost, options: TriggerOptions) {
    this.#host = host;
    this.#options = options;
    const { name, fn } = options;
    const { schedule, useMonitor } = options.binding;
    if (typeof schedule !== 'string') throw new Error(`${name}: the timer has no schedule.`);
    this.#schedule = parseSchedule(resolveNames(schedule, host.settings, `${name}: schedule`), name);
    this.#policy = readRetryPolicy(fn.metadata.retryOptions, name);
    this.#monitored = useMonitor !== false && !isSubMinute(this.#schedule);
  }

  async start(): Promise<void> {
    const host = this.#host;
    const { name } = this.#options;
    const lease = {
      storage: host.storage(),
      blobName: `locks/${host.hostId}/${name}.Listener`,
      instance: host.instance,
      log: host.log,
    };
    this.#listening = holdSingletonLease(lease, this.#stopping.signal, async (signal) => {
      try {
        await this.#listen(signal);
      } catch (error) {
        host.log('error', name, `the timer stopped and starts again: ${describeError(error)}`);
      }
    });
  }

  async drain(): Promise<void> {
    this.#stopping.abort();
    await this.#current;
  }

  async close(): Promise<void> {
    await this.#listening;
  }

  /** Runs the function now, or waits for the running one: there is only one run at a time. */
  runNow(): Promise<unknown> {
    return this.#run({ pastDue: false });
  }

  status(): Record<string, unknown> {
    return { runs: this.#runs };
  }

  async #listen(signal: AbortSignal): Promise<void> {
    const { name, binding } = this.#options;
    const now = new Date();
    let status = this.#monitored ? await this.#readStatus() : undefined;
    // The next run is computed from the last run and not read from storage, so that a changed schedule takes effect.
    let next = this.#schedule.next(status ? new Date(status.Last) : now);
    const fire = async (pastDue: boolean) => {
      const startedAt = new Date();
      await this.#run({ pastDue, status });
      next = this.#schedule.next(startedAt);
      status = await this.#writeStatus(startedAt, next);
    };
    const pastDue = status !== undefined && next <= now;
    if (pastDue) this.#host.log('information', name, 'is past due and runs now.');
    status ??= await this.#writeStatus(now, next);
    // If the host was told to stop meanwhile, it has already counted its running functions, so none may start.
    if (!signal.aborted && (pastDue || binding.runOnStartup === true)) await fire(pastDue);
    // After a run that took longer than the interval, the next run starts at once.
    while (await waitUntil(next, signal)) await fire(false);
  }

  #run(options: { pastDue: boolean; status?: ScheduleStatus | undefined }): Promise<unknown> {
    const { fn, name } = this.#options;
    const timer = {
      Schedule: { AdjustForDST: true },
      ScheduleStatus: options.status ?? null,
      IsPastDue: options.pastDue,
    };
    const bindingName = findBindingName(this.#options);
    this.#current = this.#current.then(() => {
      this.#runs += 1;
      return runWithRetry({
        policy: this.#policy,
        signal: this.#stopping.signal,
        attempt: (retryContext) =>
          this.#host.invoker.invoke(fn, {
            inputData: [{ name: bindingName, data: { json: JSON.stringify(timer) } }],
            triggerMetadata: {},
            ...(retryContext && { retryContext }),
          }),
      });
    });
    return this.#current.catch((error) => this.#host.log('error', name, describeError(error)));
  }

  #blob() {
    const container = this.#host.storage().getContainerClient('azure-webjobs-hosts');
    return container.getBlockBlobClient(
      `timers/${this.#host.hostId}/Host.Functions.${this.#options.name}/status`,
    );
  }

  async #readStatus(): Promise<ScheduleStatus | undefined> {
    try {
      const text = (
        await askStorage((abortSignal) => this.#blob().downloadToBuffer(0, undefined, { abortSignal }))
      ).toString();
      const { Last, Next, LastUpdated } = parseJsonObject(text, 'the timer status');
      if ([Last, Next, LastUpdated].some((date) => Number.isNaN(Date.parse(String(date))))) return undefined;
      return { Last: String(Last), Next: String(Next), LastUpdated: String(LastUpdated) };
    } catch (error) {
      if (error instanceof RestError && error.statusCode === 404) return undefined;
      throw error;
    }
  }

  /** Writes the status. If that fails, the timer goes on. At worst another host runs the function once more as past due. */
  async #writeStatus(last: Date, next: Date): Promise<ScheduleStatus | undefined> {
    if (!this.#monitored) return undefined;
    const status = {
      Last: last.toISOString(),
      Next: next.toISOString(),
      LastUpdated: new Date().toISOString(),
    };
    const text = JSON.stringify(status);
    try {
      await askStorage((abortSignal) => this.#blob().upload(text, Buffer.byteLength(text), { abortSignal }));
    } catch (error) {
      const host = this.#host;
      const options = this.#options;
      host.log('warning', options.name, `the status was not written: ${describeError(error)}`);
    }
    return status;
  }
}

/** Waits until a time. Returns false if the signal was aborted first. */
async function waitUntil(time: Date, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    const left = time.getTime() - Date.now();
    if (left <= 0) return true;
    await pauseFor(Math.min(left, longestWaitMs), signal);
  }
  return false;
}
