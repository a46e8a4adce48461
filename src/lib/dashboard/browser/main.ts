import { type Categories, type History, KeyNeeded, Resource, type Totals, type Trending } from './api.js';
import { byId, formatAge, formatNumber, setText } from './elements.js';
import { HistoryChart } from './historyChart.js';
import { type Connection, Poller } from './poller.js';
import { Rate } from './rate.js';
import { showCategories, showProducts, showTrending } from './tables.js';

/** If the newest commit is older than this, the numbers are shown as stale, because sources emit all the time. */
const staleAfterMs = 30_000;

/** A part of the page that is refreshed less often than the totals. */
function part<T>(path: string, everyMs: number, show: (data: T) => void) {
  const resource = new Resource<T>(path);
  let askedAt = Number.NEGATIVE_INFINITY;
  return async (key: string) => {
    if (performance.now() - askedAt < everyMs) return;
    const { data, changed } = await resource.get(key);
    askedAt = performance.now();
    if (changed) show(data);
  };
}

const totals = new Resource<Totals>('clicks?top=10');
const chart = new HistoryChart();
const parts = [
  part<Categories>('clicks/categories', 2000, showCategories),
  part<History>('clicks/history?bucket=1m&last=1h', 3000, (history) => chart.show(history)),
  part<Trending>('clicks/trending?last=5m&top=8', 10_000, showTrending),
];

const rate = new Rate();
let shown: Totals | undefined;
/** The server's clock minus ours, in milliseconds. */
let skewMs = 0;
let answeredAt = 0;
let connection: Connection = 'connecting';

const keyOfTheAddress = () => new URLSearchParams(location.hash.slice(1)).get('key') ?? '';

async function round(): Promise<void> {
  const key = keyOfTheAddress();
  const { data, changed, serverNow } = await totals.get(key);
  // The Date header is cut to whole seconds, so half a second is missing on average.
  skewMs = serverNow + 500 - Date.now();
  answeredAt = Date.now();
  if (changed) {
    shown = data;
    rate.add(data.asOf === null ? serverNow : Date.parse(data.asOf), data.total);
    setText('total', formatNumber(data.total));
    showProducts(data);
  }
  for (const ask of parts) await ask(key);
}

const labels: Readonly<Record<Connection, string>> = {
  connecting: 'Connecting',
  live: 'Live',
  failing: 'Connection lost, trying again',
  paused: 'Paused',
  key: 'A function key is needed',
};

function show(): void {
  document.body.dataset.connection = connection;
  setText('connection', labels[connection]);
  byId('key-form').hidden = connection !== 'key';
  const nowMs = Date.now() + skewMs;
  const committedAt = shown?.asOf ? Date.parse(shown.asOf) : undefined;
  const ageMs = committedAt === undefined ? undefined : nowMs - committedAt;
  setText('age', ageMs === undefined ? 'none yet' : `${formatAge(ageMs)} ago`);
  setText('version', shown && shown.version >= 0 ? `Delta version ${formatNumber(shown.version)}` : '');
  const perSecond = rate.perSecond(nowMs);
  setText(
    'rate',
    perSecond === undefined ? '–' : formatNumber(Number(perSecond.toFixed(perSecond < 10 ? 1 : 0))),
  );
  const stale = describeStaleness(ageMs);
  setText('stale', stale);
  byId('stale').hidden = stale === '';
}

function describeStaleness(ageMs: number | undefined): string {
  if (!shown) return '';
  if (connection === 'failing')
    return `These numbers are stale: the API has not answered for ${formatAge(Date.now() - answeredAt)}.`;
  if (connection === 'paused') return 'Paused: these numbers are not updated.';
  if (ageMs !== undefined && ageMs > staleAfterMs)
    return `These numbers are stale: the last commit is ${formatAge(ageMs)} old.`;
  return '';
}

const poller = new Poller({
  round,
  classify: (error) => (error instanceof KeyNeeded ? 'key' : 'failing'),
  onChange: (next) => {
    connection = next;
    show();
  },
});

byId('pause').addEventListener('click', () => {
  if (poller.paused) poller.start();
  else poller.pause();
  byId('pause').textContent = poller.paused ? 'Resume' : 'Pause';
});
byId('key-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const input = byId('key');
  if (!(input instanceof HTMLInputElement) || input.value === '') return;
  // The fragment is never sent to a server, and a bookmark includes it.
  location.hash = new URLSearchParams({ key: input.value }).toString();
  input.value = '';
});
window.addEventListener('hashchange', () => poller.now());
// Ages grow even if no answer arrives.
window.setInterval(show, 1000);
poller.start();
