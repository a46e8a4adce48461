import { ApiProblem, KeyNeeded, type Totals } from './api.js';
import { formatAge } from './elements.js';
import type { Connection } from './poller.js';

/** If the newest commit is older than this, the numbers are shown as stale, because sources emit all the time. */
const staleAfterMs = 30_000;

/** What is known of the page's state. */
export interface State {
  readonly connection: Connection;
  readonly shown: Totals | undefined;
  /** Why the last round failed; undefined if it did not. */
  readonly error: unknown;
  readonly hasKey: boolean;
  /** Since the last answer, and since the last commit, in milliseconds. */
  readonly silentMs: number;
  readonly ageMs: number | undefined;
}

export type StateName = Connection | 'empty' | 'stale';

const labels: Readonly<Record<StateName, string>> = {
  connecting: 'Connecting',
  live: 'Live',
  empty: 'No clicks yet',
  stale: 'Late',
  failing: 'Not answering',
  paused: 'Paused',
  key: 'Needs a key',
};

/** What to call the state, and what to do about it. */
export function describeState(state: State): { name: StateName; label: string; advice: string } {
  const name = nameOf(state);
  return { name, label: labels[name], advice: adviceOf(name, state) };
}

function nameOf({ connection, shown, ageMs }: State): StateName {
  if (connection !== 'live') return connection;
  if (shown?.asOf === null) return 'empty';
  return ageMs !== undefined && ageMs > staleAfterMs ? 'stale' : 'live';
}

function adviceOf(name: StateName, state: State): string {
  const { shown, ageMs, silentMs, hasKey } = state;
  if (name === 'key') {
    return hasKey
      ? 'The app refuses this key: it is wrong, or it was replaced. Enter another one, or ask whoever runs the app.'
      : 'The app gives its numbers to those with a function key only. Enter it, or ask whoever runs the app.';
  }
  if (name === 'empty')
    return 'Nothing has been clicked yet. The numbers come by themselves a few seconds after the first click; if they do not, ask whoever runs the app whether clicks are sent to it.';
  if (name === 'paused') return shown ? 'Paused: these numbers are not updated. Resume to go on.' : 'Paused.';
  if (name === 'stale' && ageMs !== undefined)
    return `These numbers are stale: the last commit is ${formatAge(ageMs)} old. Clicks have stopped, or the app is behind; api/health says which.`;
  if (name === 'failing') {
    const stale = shown ? ` These numbers are stale: the last answer is ${formatAge(silentMs)} old.` : '';
    return `${whyFailing(state.error)}${stale} The page tries again by itself.`;
  }
  return '';
}

function whyFailing(error: unknown): string {
  if (error instanceof ApiProblem)
    return `The app answers with an error (${error.status}). ${error.message}`.trim();
  return 'The app cannot be reached: it does not run, or this network does not lead to it.';
}

/** What a failed round means for the connection. */
export const connectionAfter = (error: unknown) => (error instanceof KeyNeeded ? 'key' : 'failing');
