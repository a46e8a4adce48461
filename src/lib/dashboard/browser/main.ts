import type { Counted, Health } from './api.js';
import { AssetsScreen } from './assetsScreen.js';
import { Controls } from './choices.js';
import { ClicksScreen } from './clicksScreen.js';
import { saveOnClick } from './download.js';
import {
  byId,
  formatAge,
  formatNumber,
  formatTime,
  inputById,
  setMessage,
  setText,
  timeZone,
} from './elements.js';
import { HealthWatch } from './healthWatch.js';
import { keepKey, keptKey, takeKeyFromAddress } from './key.js';
import { showLateness } from './lateness.js';
import { type Connection, Poller } from './poller.js';
import type { Screen } from './screen.js';
import { connectionAfter, describeState } from './states.js';
import { showTabs } from './tabs.js';
import { TimeChart } from './timeChart.js';
import type { View } from './view.js';

takeKeyFromAddress();

const clicksChart = new TimeChart('history');
const pricesChart = new TimeChart('prices');
const controls = new Controls((view) => change(view));
let screen = open(controls.view);
let shown: Counted | undefined;
/** The health of all streams; undefined while the app does not tell it. */
let health: Health | undefined;
/** The server's clock minus ours, in milliseconds. */
let skewMs = 0;
let answeredAt = 0;
let connection: Connection = 'connecting';
/** True while the numbers on the page are still those of the view before. */
let isPending = false;
let error: unknown;

function open(view: View): Screen {
  return view.tab === 'assets'
    ? new AssetsScreen(view, pricesChart, (id) => controls.asset(id))
    : new ClicksScreen(view, clicksChart, controls);
}

let tab = controls.view.tab;

function change(view: View): void {
  screen.parts.leave();
  screen = open(view);
  // The other tab shows another table, so its last answer does not apply.
  if (view.tab !== tab) shown = undefined;
  tab = view.tab;
  isPending = true;
  if (tab === 'clicks') setText('total', '–');
  resume();
  show();
}

async function round(): Promise<void> {
  const key = keptKey();
  const asked = screen;
  const { data, serverNow } = await asked.first(key);
  if (asked.parts.isLeft) return;
  // The Date header is cut to whole seconds, so half a second is missing on average.
  skewMs = serverNow + 500 - Date.now();
  answeredAt = Date.now();
  shown = data;
  await asked.parts.ask(key);
  isPending = isPending && asked.parts.isLeft;
  error = undefined;
}

function show(): void {
  const nowMs = Date.now() + skewMs;
  const committedAt = shown?.asOf ? Date.parse(shown.asOf) : undefined;
  const ageMs = committedAt === undefined ? undefined : nowMs - committedAt;
  const silentMs = Date.now() - answeredAt;
  const hasOther = showTabs(health, tab);
  const state = describeState({
    ...{ tab, hasOther, connection, shown, error, silentMs, ageMs },
    hasKey: keptKey() !== '',
  });
  document.body.dataset.connection = connection;
  document.body.dataset.state = state.name;
  setText('connection', state.label);
  setMessage('stale', state.advice);
  byId('key-form').hidden = connection !== 'key';
  // Without an answer, or without clicks, there is nothing to show: empty cards would look like zero.
  const hasNumbers = shown && !['key', 'absent', 'empty'].includes(state.name);
  const numbers = byId(tab === 'clicks' ? 'numbers' : 'asset-numbers');
  numbers.hidden = !hasNumbers || (isPending && connection === 'failing');
  numbers.setAttribute('aria-busy', String(isPending));
  byId('mark-form').hidden = connection === 'absent';
  for (const [part, form] of [
    ['clicks', 'choices'],
    ['assets', 'asset-choices'],
  ] as const)
    byId(form).hidden = byId(`${part}-part`).hidden = part !== tab || connection === 'absent';
  setText('age', ageMs === undefined ? 'none yet' : `${formatAge(ageMs)} ago`);
  screen.tick(nowMs);
  showLateness(health, nowMs);
  setText('version', shown && shown.version >= 0 ? `Delta version ${formatNumber(shown.version)}` : '');
  setText(
    'as-of',
    committedAt === undefined ? '' : `As of ${formatTime(committedAt)}. Times are in ${timeZone()}.`,
  );
}

const poller = new Poller({
  round,
  classify: (failure) => {
    error = failure;
    return connectionAfter(failure);
  },
  onChange: (next) => {
    connection = next;
    show();
  },
});

saveOnClick(['products-csv', 'changes-csv', 'history-csv', 'trending-csv', 'categories-csv'], () => screen);
saveOnClick(['assets-csv', 'prices-csv'], () => screen);

/** Asks at once, also if the page was paused. */
function resume(): void {
  if (poller.paused) poller.start();
  else poller.now();
  setText('pause', 'Pause');
}

byId('pause').addEventListener('click', () => {
  if (poller.paused) return resume();
  poller.pause();
  setText('pause', 'Resume');
});
byId('key-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const input = inputById('key');
  if (input.value === '') return;
  keepKey(input.value.trim());
  input.value = '';
  poller.now();
});

function readAddress(): void {
  const before = keptKey();
  takeKeyFromAddress();
  controls.readAddress();
  if (keptKey() !== before) poller.now();
}
window.addEventListener('popstate', readAddress);
window.addEventListener('hashchange', readAddress);
// Ages grow even if no answer arrives.
window.setInterval(show, 1000);
new HealthWatch((answer) => {
  health = answer;
  show();
}).start(() => poller.paused);
poller.start();
