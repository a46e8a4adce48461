import { ApiProblem, type Counted, KeyNeeded } from './api.js';
import { formatAge } from './elements.js';
import type { Connection } from './poller.js';
import type { Tab } from './view.js';

/**
 * How old the newest commit may be before the page says that its numbers are stale. Clicks come all the time; prices come by a schedule.
 */
const staleAfterMs = { clicks: 30_000, assets: Number.POSITIVE_INFINITY };

/** The known facts about the page's state. */
export interface State {
  readonly tab: Tab;
  /** True if the app has the stream of the other tab. */
  readonly hasOther: boolean;
  readonly connection: Connection;
  readonly shown: Counted | undefined;
  /** Why the last round failed; undefined if it did not. */
  readonly error: unknown;
  readonly hasKey: boolean;
  /** The time since the last answer, in milliseconds. The next member is the time since the last commit. */
  readonly silentMs: number;
  readonly ageMs: number | undefined;
}

export type StateName = Connection | 'empty' | 'stale';

const labels: Readonly<Record<StateName, string>> = {
  connecting: 'Connecting',
  live: 'Live',
  empty: 'Nothing yet',
  absent: 'Not in this app',
  stale: 'Late',
  failing: 'Not answering',
  paused: 'Paused',
  key: 'Needs a key',
};

const texts: Readonly<
  Record<Tab, { readonly empty: string; readonly absent: string; readonly other: string }>
> = {
  clicks: {
    empty:
      'Nothing has been clicked yet. The numbers come by themselves a few seconds after the first click; if they do not, ask whoever runs the app whether clicks are sent to it.',
    absent: 'This app has no clickstream, so there are no clicks to show.',
    other: 'Its prices of assets are under Assets, above.',
  },
  assets: {
    empty:
      'No prices have come yet. They are asked for by a schedule, and are shown by themselves; ask whoever runs the app when the next ones come.',
    absent: 'This app has no stream of assets, so there are no prices to show.',
    other: 'Its clicks are under Clicks, above.',
  },
};

/** The name of the state, and what to do about it. */
export function describeState(state: State): { name: StateName; label: string; advice: string } {
  const name = nameOf(state);
  const label = name === 'empty' && state.tab === 'clicks' ? 'No clicks yet' : labels[name];
  return { name, label, advice: adviceOf(name, state) };
}

function nameOf({ tab, connection, shown, ageMs }: State): StateName {
  if (connection !== 'live') return connection;
  if (shown?.asOf === null) return 'empty';
  return ageMs !== undefined && ageMs > staleAfterMs[tab] ? 'stale' : 'live';
}

function adviceOf(name: StateName, state: State): string {
  const { tab, shown, ageMs, silentMs, hasKey } = state;
  if (name === 'key') {
    return hasKey
      ? 'The app refuses this key: it is wrong, or it was replaced. Enter another one, or ask whoever runs the app.'
      : 'The app gives its numbers to those with a function key only. Enter it, or ask whoever runs the app.';
  }
  if (name === 'empty') return texts[tab].empty;
  if (name === 'absent') return `${texts[tab].absent}${state.hasOther ? ` ${texts[tab].other}` : ''}`;
  if (name === 'paused') return shown ? 'Paused: these numbers are not updated. Resume to go on.' : 'Paused.';
  if (name === 'stale' && ageMs !== undefined)
    return `These numbers are stale: the last commit is ${formatAge(ageMs)} old. Clicks have stopped, or the app is behind; the end of the page says which.`;
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

/** The state of the connection after a failed round. Products and assets that do not exist are handled by the views. */
export function connectionAfter(error: unknown): Connection {
  if (error instanceof KeyNeeded) return 'key';
  return error instanceof ApiProblem && error.status === 404 ? 'absent' : 'failing';
}
