import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { FiguresReader, LetterCounter } from '../../local/figures';
import { StreamProgress } from '../../local/progress';
import { MemoryStore } from '../../src/lib/storage/memoryStore';
import { clickstream } from '../../src/lib/streams/clickstream';

it('says once why the numbers of a stream cannot be compared: in the line before the last', async () => {
  const refusal = 'reading needs x, which is not implemented. Turn it off.';
  const problems = [{ source: 'table', code: 'delta.unsupported', refusal }];
  const stream = { stream: 'clickstream', status: 'failing', problems, failures: [], partitions: [] };
  const health = { status: 'failing', streams: [stream], warehouse: { tables: [] } };
  const server = createServer((_, response) => response.end(JSON.stringify(health)));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => void server.close());
  const apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const store = new MemoryStore();
  await store.put(
    'clicks/_delta_log/00000000000000000000.json',
    Buffer.from('{"protocol":{"minReaderVersion":9,"minWriterVersion":9}}\n'),
  );
  const at = { store, table: 'clicks' };
  const progress = new StreamProgress({
    stack: { apiUrl, settings: {} },
    stream: clickstream,
    reader: new FiguresReader({ brokerUrl: apiUrl, hub: 'clickstream', at }),
    letters: new LetterCounter({ stream: clickstream, store }),
    at,
  });
  expect(await progress.compare()).toEqual({ equal: false, line: 'the numbers cannot be compared' });
  expect(await progress.explain()).toMatch(
    /^the numbers of clicks cannot be read \(delta\.[^()]*\): its table cannot be read: reading needs x, which is not implemented\. Turn it off\.$/,
  );
});
