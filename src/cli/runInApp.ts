import { setTimeout as sleep } from 'node:timers/promises';
import type { Progress } from '../lib/maintenance/task';
import { textFlag, urlFlag } from './commandLine/arguments';
import { UsageError } from './commandLine/command';
import { type LongTask, runLong } from './longTask';

const askEveryMs = 500;
/** Whoever begins again and again after others would never end. */
const mostStarts = 20;

/** The flags of a command that has work done by the app. */
export const appFlags = {
  url: urlFlag('the address of the function app', 'http://127.0.0.1:7071'),
  key: textFlag('KEY', 'the master key of the function app; none is needed on this machine'),
};

/** The app has settings of its own. Throws UsageError if others are given, with which it would be another system that is worked on. */
export function refuseSettings(settings: string | undefined): void {
  if (settings === undefined) return;
  throw new UsageError(
    '--settings is for work in this process: expected --here with it, or --url with the address of the app.',
  );
}

/** Work that the app does as an orchestration. */
export interface AppWork<Status> {
  /** What it is, like `pass`. */
  readonly noun: string;
  /** The address of the app. */
  readonly url: URL;
  /** The app's master key. */
  readonly key: string | undefined;
  /** The path that is asked for the status, and that starts it with POST. */
  readonly path: string;
  /** Parameters of the start. Those without a value are left out. */
  readonly parameters: Readonly<Record<string, string | undefined>>;
  /** If it runs already: whether that is followed to its end, or waited for, and then another one is started. */
  readonly ifRunning: 'follow' | 'start-after';
  readonly progressOf: (status: Status) => Progress | undefined;
}

/** The app's answer to a question for the status, as far as it is used. */
interface Answer<Status, Output> {
  readonly started?: boolean;
  readonly detail?: string;
  readonly runtimeStatus?: string;
  readonly customStatus?: Status | null;
  readonly output?: Output | string | null;
}

/**
 * Starts work in the app and follows it to its end, showing its progress. Undefined if it did not end with a result, which is told on
 * stderr. Ctrl-C ends the following, not the work.
 * @throws Error saying what is wrong if the app does not answer, or refuses
 */
export async function runInApp<Status, Output extends object>(
  work: AppWork<Status>,
): Promise<Output | undefined> {
  const { noun, ifRunning } = work;
  return runLong(`No longer followed: the ${noun} goes on in the app.`, async (task) => {
    for (let starts = 1; starts <= mostStarts; starts++) {
      const { started } = await ask<Status, Output>('POST', work, task.signal);
      const isLast = started || ifRunning === 'follow';
      if (!started)
        console.error(`A ${noun} runs already; ${isLast ? 'it is followed' : 'this one begins after it'}.`);
      const ended = await follow<Status, Output>(work, task);
      if (isLast) return resultOf(work, ended);
    }
    throw new Error('Others were always first. Try again later.');
  });
}

async function follow<Status, Output>(
  work: AppWork<Status>,
  { signal, progress }: LongTask,
): Promise<Answer<Status, Output>> {
  for (;;) {
    await sleep(askEveryMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    const answer = await ask<Status, Output>('GET', work, signal);
    const shown = answer.customStatus && work.progressOf(answer.customStatus);
    if (shown) progress(shown);
    if (['Completed', 'Failed', 'Terminated', 'Canceled'].includes(answer.runtimeStatus ?? '')) return answer;
  }
}

function resultOf<Status, Output extends object>(
  { noun }: AppWork<Status>,
  { runtimeStatus, output }: Answer<Status, Output>,
): Output | undefined {
  if (runtimeStatus === 'Completed' && output && typeof output === 'object') return output;
  console.error(`The ${noun} is ${runtimeStatus}: ${output ?? 'without a reason'}`);
  return undefined;
}

async function ask<Status, Output>(
  method: 'GET' | 'POST',
  { url: app, key, path, parameters }: AppWork<Status>,
  signal: AbortSignal,
): Promise<Answer<Status, Output>> {
  const url = new URL(path, app);
  const place = url.origin + url.pathname;
  for (const [name, value] of Object.entries(method === 'POST' ? parameters : {}))
    if (value !== undefined) url.searchParams.set(name, value);
  let reply: Response;
  try {
    reply = await fetch(url, {
      method,
      headers: key === undefined ? {} : { 'x-functions-key': key },
      signal: AbortSignal.any([signal, AbortSignal.timeout(30_000)]),
    });
  } catch (cause) {
    signal.throwIfAborted();
    throw new Error(`${place} does not answer: is the app running? Without an app: --here.`, { cause });
  }
  const answer = (await reply.json().catch(() => ({}))) as Answer<Status, Output>;
  if (reply.ok) return answer;
  const hint = reply.status === 401 ? ': --key must be the master key' : '';
  throw new Error(`${place} answered ${reply.status}${hint}${answer.detail ? `: ${answer.detail}` : ''}.`);
}
