import { resolve } from 'node:path';
import { inertInLine } from '../lib/inert';
import { isThisMachine } from '../lib/sameMachine';
import { askRun, markFile, readMark } from './localRun';

/**
 * What to say if the app does not answer. On this machine it also says how to start the app, or where the `npm start` of this folder is.
 * @param more a sentence about what works without the app
 */
export async function describeNoAnswer(url: URL, more = ''): Promise<string> {
  const place = url.origin + url.pathname;
  return `${place} does not answer: is the app running? --url tells where it is${more}.${await hintOf(url)}`;
}

/** An answer of the app that refuses a request. */
export interface Refusal {
  /** The address that was asked, without parameters. */
  readonly place: string;
  readonly status: number;
  /** The member `detail` of the app's answer, which says what is wrong. */
  readonly detail: unknown;
}

/**
 * What to say if the app, or something else at its address, refuses a request.
 * @param key which key the app wants
 */
export function describeRefusal({ place, status, detail }: Refusal, key: string): string {
  const answered = `${place} answered ${status}`;
  if (status === 401) return `${answered}: --key must be ${key}.`;
  if (typeof detail === 'string') return `${answered}: ${inertInLine(detail.replace(/\.$/, ''))}.`;
  if (status === 403) return `${answered}: the function app may be stopped, or refuse this network.`;
  if (status < 500 || status === 501) return `${answered}, so it ${notTheApi}`;
  return `${answered} and does not say why: see the log of the app${isThisMachine(new URL(place).hostname) ? ', for "npm start" in .local/logs' : ''}.`;
}

/** The end of a sentence that begins with an address at which something else than the app answers. */
export const notTheApi = 'is not the API of Tributary: --url tells where the app is.';

async function hintOf({ hostname, origin }: URL): Promise<string> {
  if (!isThisMachine(hostname)) return '';
  const mark = readMark(markFile(resolve('.local')));
  const run = mark && (await askRun(mark));
  if (run === undefined || run === 'mute') return ' On this machine, "npm start" starts it.';
  if (run.dashboard === undefined)
    return run.command === 'npm start'
      ? ' "npm start" runs here, and its app has not started yet.'
      : ` "${run.command}" runs here without an app: "func start" starts one beside it.`;
  const own = URL.canParse(run.dashboard) ? new URL(run.dashboard).origin : origin;
  return own === origin
    ? ' "npm start" runs here, and its app is busy, is stopped, or waits for something else: "npm run doctor" says what does not answer.'
    : ` That of "npm start" here is at --url ${own}.`;
}
