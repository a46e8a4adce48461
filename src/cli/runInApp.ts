import { setTimeout as sleep } from 'node:timers/promises';
import { appHere, type FunctionApp, keyHeader } from '../lib/functionApp';
import { inertInLine } from '../lib/inert';
import { parseJsonObject } from '../lib/jsonObject';
import { waitFor } from '../lib/longWait';
import type { Progress } from '../lib/maintenance/task';
import { keyFlag, urlFlag } from './commandLine/arguments';
import { type Flag, UsageError } from './commandLine/command';
import { type LongTask, runLong } from './longTask';
import { describeNoAnswer, describeRefusal, notTheApi } from './noAnswer';

const askEveryMs = 500;
/** How often work is started anew because other work was running. Without a limit, this could go on for ever. */
const mostStarts = 20;

/** The progress to show while the app has not yet begun what it was asked for, for example because it is busy. */
const notBegun: Progress = { step: 'the app has yet to begin it, step', done: 0, total: 1 };

/** The app's address. It has no default here, because a command that does the work in this process must refuse it if it is given. */
const url: Flag<URL | undefined> = {
  ...urlFlag('the address of the function app', appHere),
  fallback: undefined,
};

/** The flags of a command that has work done by the app. */
export const appFlags = {
  url,
  key: keyFlag('the master key of the function app; none is needed on this machine'),
};

/** Which app is asked, and with which settings this process works. */
interface Places {
  readonly url: URL | undefined;
  readonly key: string | undefined;
  readonly settings: string | undefined;
}

/**
 * The app that does the work; undefined if this process does it.
 * @param hereFlag the flag by which this process does it, if it is given
 * @throws UsageError for flags that belong to the other way of working: they name another system than the one that would be worked on
 */
export function chooseApp(
  { url, key, settings }: Places,
  hereFlag: string | undefined,
): FunctionApp | undefined {
  if (hereFlag === undefined) {
    if (settings === undefined) return { url: url ?? new URL(appHere), key };
    throw new UsageError(
      '--settings is for work in this process: add --here, or leave it out and say with --url where the app is.',
    );
  }
  const ofApp = url === undefined ? '--key' : '--url';
  if (url === undefined && key === undefined) return undefined;
  throw new UsageError(
    `${ofApp} is for work of the app, but with ${hereFlag} this process works: leave one out.`,
  );
}

/** Work that the app does as an orchestration. */
export interface AppWork<Status> {
  /** The noun for the work in messages, like `pass`. */
  readonly noun: string;
  readonly app: FunctionApp;
  /** The path for both requests: GET asks for the status, POST starts the work. */
  readonly path: string;
  /** Parameters of the start. Those without a value are left out. */
  readonly parameters: Readonly<Record<string, string | undefined>>;
  /** What to do if such work already runs: follow it to its end, or wait for its end and then start it again. */
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

/** @throws Error if somebody has suspended it: then it has no end */
async function follow<Status, Output>(
  work: AppWork<Status>,
  { signal, progress }: LongTask,
): Promise<Answer<Status, Output>> {
  const { noun, path } = work;
  for (;;) {
    await sleep(askEveryMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    const answer = await ask<Status, Output>('GET', work, signal);
    if (answer.runtimeStatus === 'Suspended')
      throw new Error(
        `The ${noun} is suspended, and no other one begins until it is resumed or terminated. The answer to POST ${path} has the addresses for that.`,
      );
    const shown = answer.customStatus && work.progressOf(answer.customStatus);
    if (answer.runtimeStatus === 'Pending') progress({ ...notBegun, step: `${noun}: ${notBegun.step}` });
    else if (shown) progress(shown);
    if (['Completed', 'Failed', 'Terminated', 'Canceled'].includes(answer.runtimeStatus ?? '')) return answer;
  }
}

function resultOf<Status, Output extends object>(
  { noun }: AppWork<Status>,
  { runtimeStatus, output }: Answer<Status, Output>,
): Output | undefined {
  if (runtimeStatus === 'Completed' && output && typeof output === 'object') return output;
  const reason = typeof output === 'string' ? output : 'without a reason';
  console.error(`The ${noun} is ${inertInLine(`${runtimeStatus}: ${reason}`)}`);
  return undefined;
}

async function ask<Status, Output>(
  method: 'GET' | 'POST',
  { app, path, parameters }: AppWork<Status>,
  signal: AbortSignal,
): Promise<Answer<Status, Output>> {
  const { key } = app;
  const url = new URL(path, app.url);
  const place = url.origin + url.pathname;
  for (const [name, value] of Object.entries(method === 'POST' ? parameters : {}))
    if (value !== undefined) url.searchParams.set(name, value);
  let reply: Response;
  let text: string;
  try {
    const request = fetch(url, {
      method,
      headers: keyHeader(key),
      signal: AbortSignal.any([signal, AbortSignal.timeout(30_000)]),
    });
    reply = await waitFor(place, request);
    text = await reply.text();
  } catch (cause) {
    signal.throwIfAborted();
    throw new Error(await describeNoAnswer(url, '; --here works without it'), { cause });
  }
  const answer = read<Status, Output>(text);
  if (!reply.ok)
    throw new Error(
      describeRefusal({ place, status: reply.status, detail: answer.detail }, 'the master key'),
    );
  // Something else that answers with 200 would be followed for ever.
  if (answer.started === undefined && answer.runtimeStatus === undefined)
    throw new Error(`${place} ${notTheApi}`);
  return answer;
}

function read<Status, Output>(text: string): Answer<Status, Output> {
  try {
    return parseJsonObject(text, 'the answer') as Answer<Status, Output>;
  } catch {
    return {};
  }
}
