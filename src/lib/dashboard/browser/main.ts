import { askCsv, Resource, type Totals } from './api.js';
import { Controls } from './choices.js';
import { ClicksScreen } from './clicksScreen.js';
import { historyAsCsv, onlyProducts, saveCsv } from './download.js';
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
import { keepKey, keptKey, takeKeyFromAddress } from './key.js';
import { type Connection, Poller } from './poller.js';
import { Rate } from './rate.js';
import { connectionAfter, describeState } from './states.js';
import { TimeChart } from './timeChart.js';
import { apiPath, type View, writeView } from './view.js';

takeKeyFromAddress();

const chart = new TimeChart('history');
const controls = new Controls((view) => change(view));
let screen = new ClicksScreen(controls.view, chart, controls);
let { rate, sinceBeginning } = rateOf(controls.view);
let shown: Totals | undefined;
/** The server's clock minus ours, in milliseconds. */
let skewMs = 0;
let answeredAt = 0;
let connection: Connection = 'connecting';
/** The numbers on the page are still those of the view before. */
let isPending = false;
let error: unknown;

/** The rate is told by the clicks since the beginning. If the screen asks for them itself, they are not asked for twice. */
function rateOf({ period, category }: View) {
  const path = apiPath('clicks', { category, top: 1 });
  return { rate: new Rate(), sinceBeginning: period === 'all' ? undefined : new Resource<Totals>(path) };
}

function change(view: View): void {
  screen.parts.leave();
  screen = new ClicksScreen(view, chart, controls);
  ({ rate, sinceBeginning } = rateOf(view));
  isPending = true;
  setText('total', '–');
  resume();
  show();
}

async function round(): Promise<void> {
  const key = keptKey();
  const asked = screen;
  const { data, serverNow } = await asked.first(key);
  const totals = sinceBeginning ? (await sinceBeginning.get(key)).data : data;
  if (asked.parts.isLeft) return;
  // The Date header is cut to whole seconds, so half a second is missing on average.
  skewMs = serverNow + 500 - Date.now();
  answeredAt = Date.now();
  shown = data;
  rate.add(totals.asOf === null ? serverNow : Date.parse(totals.asOf), totals.total);
  await asked.parts.ask(key);
  isPending = isPending && asked.parts.isLeft;
  error = undefined;
}

function show(): void {
  const nowMs = Date.now() + skewMs;
  const committedAt = shown?.asOf ? Date.parse(shown.asOf) : undefined;
  const ageMs = committedAt === undefined ? undefined : nowMs - committedAt;
  const silentMs = Date.now() - answeredAt;
  const state = describeState({ connection, shown, error, hasKey: keptKey() !== '', silentMs, ageMs });
  document.body.dataset.connection = connection;
  document.body.dataset.state = state.name;
  setText('connection', state.label);
  setMessage('stale', state.advice);
  byId('key-form').hidden = connection !== 'key';
  // Without an answer, or without clicks, there is nothing to show: empty cards would look like zero.
  const hasNumbers = shown && connection !== 'key' && state.name !== 'empty';
  byId('numbers').hidden = !hasNumbers || (isPending && connection === 'failing');
  byId('numbers').setAttribute('aria-busy', String(isPending));
  setText('age', ageMs === undefined ? 'none yet' : `${formatAge(ageMs)} ago`);
  const perSecond = rate.perSecond(nowMs);
  setText(
    'rate',
    perSecond === undefined ? '–' : formatNumber(Number(perSecond.toFixed(perSecond < 10 ? 1 : 0))),
  );
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

/** The file's name says what is in it. */
const fileName = (what: string) =>
  `${[what, ...writeView(screen.view).split('&')]
    .filter((part) => part !== '')
    .join('-')
    .replace(/[^\w.-]+/g, '-')}.csv`;

function onDownload(id: string, what: string, make: (asked: ClicksScreen) => Promise<string> | string): void {
  byId(id).addEventListener('click', async () => {
    try {
      saveCsv(fileName(what), await make(screen));
      setMessage('download-problem', '');
    } catch (failure) {
      const reason = failure instanceof Error && failure.message !== '' ? ` ${failure.message}` : '';
      setMessage('download-problem', `The file could not be made.${reason} Try again.`);
    }
  });
}

onDownload('products-csv', 'products', async (asked) => {
  const csv = await askCsv(asked.productsPath, keptKey());
  return asked.found ? onlyProducts(csv, asked.found) : csv;
});
onDownload('history-csv', 'history', (asked) => historyAsCsv(asked.chart.shown));
onDownload('trending-csv', 'trending', async (asked) =>
  onlyProducts(await askCsv(asked.trendingPath, keptKey()), asked.rising),
);
onDownload('changes-csv', 'changes', (asked) => askCsv(asked.trendingPath, keptKey()));
onDownload('categories-csv', 'categories', (asked) => askCsv(asked.categoriesPath, keptKey()));

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
poller.start();
