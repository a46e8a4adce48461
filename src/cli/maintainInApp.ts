import { setTimeout as sleep } from 'node:timers/promises';
import type {
  MaintenanceResult,
  MaintenanceStatus,
  MaintenanceStep,
} from '../lib/orchestrations/maintainTables';
import { inWords } from './describePass';
import { type LongTask, runLong } from './longTask';

const askEveryMs = 500;
/** A pass that begins again and again after others never ends. */
const mostStarts = 20;

export interface AppPass {
  readonly step: MaintenanceStep | undefined;
  readonly table: string | undefined;
  readonly url: URL;
  /** The master key. */
  readonly key: string | undefined;
}

/** The app's answer to a question for the status, as far as it is used. */
interface Answer {
  readonly started?: boolean;
  readonly detail?: string;
  readonly runtimeStatus?: string;
  readonly customStatus?: MaintenanceStatus | null;
  readonly output?: MaintenanceResult | string | null;
}

/**
 * Starts a pass of maintenance in the app and follows it to its end. If another one runs, that is followed first. Undefined if the
 * pass did not end with a result, which is told on stderr.
 */
export async function maintainInApp(pass: AppPass): Promise<MaintenanceResult | undefined> {
  const url = new URL('/api/maintenance', pass.url);
  const start = new URL(url);
  if (pass.table !== undefined) start.searchParams.set('table', pass.table);
  if (pass.step !== undefined) start.searchParams.set('step', pass.step);
  return runLong('No longer followed: the pass goes on in the app.', async (task) => {
    for (let starts = 1; starts <= mostStarts; starts++) {
      const { started } = await ask('POST', start, pass.key, task.signal);
      if (!started) console.error('A pass runs already; this one begins after it.');
      const ended = await follow(url, pass.key, task);
      if (started) return resultOf(ended);
    }
    throw new Error('Other passes were always first. Try again later.');
  });
}

async function follow(url: URL, key: string | undefined, { signal, progress }: LongTask): Promise<Answer> {
  for (;;) {
    await sleep(askEveryMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    const answer = await ask('GET', url, key, signal);
    if (answer.customStatus) progress(inWords(answer.customStatus));
    if (['Completed', 'Failed', 'Terminated', 'Canceled'].includes(answer.runtimeStatus ?? '')) return answer;
  }
}

function resultOf({ runtimeStatus, output }: Answer): MaintenanceResult | undefined {
  if (runtimeStatus === 'Completed' && output && typeof output === 'object') return output;
  console.error(`The pass is ${runtimeStatus}: ${output ?? 'without a reason'}`);
  return undefined;
}

async function ask(
  method: 'GET' | 'POST',
  url: URL,
  key: string | undefined,
  signal: AbortSignal,
): Promise<Answer> {
  const place = url.origin + url.pathname;
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
  const answer = (await reply.json().catch(() => ({}))) as Answer;
  if (reply.ok) return answer;
  const hint = reply.status === 401 ? ': --key must be the master key' : '';
  throw new Error(`${place} answered ${reply.status}${hint}${answer.detail ? `: ${answer.detail}` : ''}.`);
}
