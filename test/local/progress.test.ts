import { createServer, type RequestListener, type Server } from 'node:http';
import { afterEach, expect, it, onTestFinished, vi } from 'vitest';
import { FiguresReader, LetterCounter } from '../../local/figures';
import { StreamProgress } from '../../local/progress';
import { listenOnLoopback } from '../../src/lib/sameMachine';
import { MemoryStore } from '../../src/lib/storage/memoryStore';
import { clickstream } from '../../src/lib/streams/clickstream';

const listening: Server[] = [];
afterEach(() => {
  for (const server of listening.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** The address of a server. */
async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  listening.push(server);
  const port = await listenOnLoopback(server);
  return `http://127.0.0.1:${port}`;
}

/** Follows the clicks of a store beside a broker and an app at these addresses. */
function follow(store: MemoryStore, brokerUrl: string, apiUrl: string): StreamProgress {
  const at = { store, table: 'clicks' };
  return new StreamProgress({
    stack: { apiUrl, settings: {} },
    stream: clickstream,
    reader: new FiguresReader({ brokerUrl, hub: 'clickstream', at }),
    letters: new LetterCounter({ stream: clickstream, store }),
    at,
  });
}

it('says who does not answer while the numbers cannot be read', {
  timeout: 20_000,
}, async () => {
  const healthy = await serve((_, response) =>
    response.end('{"status":"ok","streams":[],"warehouse":{"tables":[]}}'),
  );
  const silent = await serve(() => {});
  const silence = follow(new MemoryStore(), silent, healthy);
  expect((await silence.status()).note).toContain(
    'the numbers of clicks cannot be read (the broker takes longer than 3 s to answer)',
  );
  const gone = follow(new MemoryStore(), 'http://127.0.0.1:9999', healthy);
  expect((await gone.status()).note).toContain(
    'the numbers of clicks cannot be read (the broker at http://127.0.0.1:9999 did not answer (connect ECONNREFUSED 127.0.0.1:9999))',
  );
});

/** Follows clicks of which none is delivered. */
const followAlone = (accepted: number) => followDelivered(accepted, () => 0);

/** Follows clicks of which none reaches the table. */
async function followStuck(accepted: number) {
  let delivered = 0;
  const progress = await followDelivered(accepted, () => delivered);
  // What is said a minute later, when so many more were delivered.
  return async (more: number) => {
    delivered += more;
    vi.advanceTimersByTime(60_000);
    return (await progress.status()).note;
  };
}

async function followDelivered(accepted: number, delivered: () => number): Promise<StreamProgress> {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const createdOn = '2026-11-27T09:00:00.000Z';
  const brokerUrl = await serve((_, response) =>
    response.end(JSON.stringify({ hubs: { clickstream: { accepted, delivered: delivered(), createdOn } } })),
  );
  const apiUrl = await serve((_, response) =>
    response.end('{"streams":[],"warehouse":{"tables":[]},"total":0}'),
  );
  const progress = follow(new MemoryStore(), brokerUrl, apiUrl);
  await progress.status();
  return progress;
}

const standsStill = /^clicks stands still; see \.local\/logs\.$/;

it('stands still without a reason only if no events are read either, as they are again after checkpoints -- reset', async () => {
  const minuteLater = await followStuck(3000);
  for (let minutes = 0; minutes < 3; minutes++) expect(await minuteLater(1000)).toBeUndefined();
  expect(await minuteLater(0)).toMatch(standsStill);
});

it('does not say of events that nobody reads that they are still under way', async () => {
  const progress = await followAlone(3000);
  await progress.compare();
  expect(await progress.explain()).toMatch(/Nothing has failed: they are still under way/);
  vi.advanceTimersByTime(60_000);
  expect(await progress.explain()).toMatch(
    /^clicks: 3,000 accepted events are not ingested: nobody reads them from the hub, and \.local\/logs\/host\.log may say why\.$/,
  );
});

it('stands still without a reason, too, if the same events are delivered again and again', async () => {
  const minuteLater = await followStuck(2500);
  for (let minutes = 0; minutes < 2; minutes++) expect(await minuteLater(1000)).toBeUndefined();
  expect(await minuteLater(1000)).toMatch(standsStill);
  expect(await minuteLater(1000)).toMatch(standsStill);
});

it('says once why the numbers of a stream cannot be compared: in the line before the last', async () => {
  const refusal = 'reading needs x, which is not implemented. Turn it off.';
  const problems = [{ source: 'table', code: 'delta.unsupported', refusal }];
  const stream = { stream: 'clickstream', status: 'failing', problems, failures: [], partitions: [] };
  const health = { status: 'failing', streams: [stream], warehouse: { tables: [] } };
  const apiUrl = await serve((_, response) => response.end(JSON.stringify(health)));
  const store = new MemoryStore();
  await store.put(
    'clicks/_delta_log/00000000000000000000.json',
    Buffer.from('{"protocol":{"minReaderVersion":9,"minWriterVersion":9}}\n'),
  );
  const progress = follow(store, apiUrl, apiUrl);
  expect(await progress.compare()).toEqual({ equal: false, line: 'the numbers cannot be compared' });
  expect(await progress.explain()).toMatch(
    /^the numbers of clicks cannot be read \(delta\.[^()]*\): its table cannot be read: reading needs x, which is not implemented\. Turn it off\.$/,
  );
});
