import { resolve } from 'node:path';
import { isThisMachine } from '../lib/sameMachine';
import { askRun, markFile, readMark } from './localRun';

/**
 * What to say where the app does not answer: on this machine also how it is started, or where the `npm start` of this folder is.
 * @param more a sentence about what works without the app
 */
export async function describeNoAnswer(url: URL, more = ''): Promise<string> {
  const place = url.origin + url.pathname;
  return `${place} does not answer: is the app running? --url tells where it is${more}.${await hintOf(url)}`;
}

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
    ? ' "npm start" runs here, and its app is busy or stopped.'
    : ` That of "npm start" here is at --url ${own}.`;
}
