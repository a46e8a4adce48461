import { fork } from 'node:child_process';
import { once } from 'node:events';
import { numberFlag } from '../src/cli/commandLine/arguments';
import { action, type Given } from '../src/cli/commandLine/command';
import { runCommand } from '../src/cli/commandLine/runCommand';
import { TableAppender } from '../src/lib/delta/tableAppender';
import { ingestBatch } from '../src/lib/ingest/ingestBatch';
import { TableWriter } from '../src/lib/ingest/tableWriter';
import { deadLettersTable, letterFields } from '../src/lib/lake/deadLetters';
import type { HubGeneration } from '../src/lib/lake/hubGeneration';
import { tableFields } from '../src/lib/lake/rowAddress';
import { MemoryStore } from '../src/lib/storage/memoryStore';
import { clickstream } from '../src/lib/streams/clickstream';
import type { Stream } from '../src/lib/streams/stream';
import { printTable, rounded } from './numbers';
import { orders } from './orders';

/*
 * The memory that one trigger batch takes, from its bodies to its commit, in a process of its own for each kind of event. It is measured as
 * the growth of the peak of resident memory, including the bodies, in relation to the bodies. A batch of which nothing is copied would have
 * 1.
 *
 *   npm run bench -- batchMemory [--megabytes 256]
 */

const flags = {
  megabytes: numberFlag({ meaning: 'of bodies in a batch', fallback: 256, least: 1, most: 1000 }),
};

const click = '{"productid":1,"timestamp":"2026-01-01T00:00:00Z","sessionid":2,"category":3';

const order = '{"productid":1,"amount":19.9,"at":"2026-01-01T00:00:00Z","store":"Berlin","orderid":"';

interface Kind {
  readonly stream: Stream;
  /** Makes the body of an event of this many bytes. */
  readonly bodyOf: (size: number) => Buffer;
}

const clicks = (bodyOf: Kind['bodyOf']): Kind => ({ stream: clickstream, bodyOf });

const kinds: Readonly<Record<string, Kind>> = {
  'clicks of 1 kB': clicks(() => Buffer.from(`${click}}`.padEnd(1000))),
  'clicks of 1 MB, in a field without a column': clicks((size) => filled(size, `${click},"more":"`, '"}')),
  'orders of 1 kB, most of it a text': { stream: orders, bodyOf: () => filled(1000, order, '"}') },
  'orders of 1 MB, most of it a text': { stream: orders, bodyOf: (size) => filled(size, order, '"}') },
  'junk of 1 MB': clicks((size) => filled(size, '', '')),
  'junk of 1 MB, not in ASCII': clicks((size) => Buffer.alloc(size, 'ж')),
};

const filled = (size: number, before: string, after: string): Buffer => {
  const body = Buffer.alloc(size, 'x');
  body.write(before);
  body.write(after, size - after.length);
  return body;
};

/** A store that keeps only the log. It forgets the contents of other files, so that its own memory does not count. */
class LogOnly extends MemoryStore {
  override put(path: string, bytes: Uint8Array) {
    return super.put(path, path.includes('/_delta_log/') ? bytes : new Uint8Array());
  }
}

const hub = 'clicks';
const generation: HubGeneration = { namespace: 'contoso', hub, createdOn: new Date('2026-01-01') };

const [, , child, kind = '', bytes = ''] = process.argv;
if (child === '--one') void measureOne(kind, Number(bytes));
else
  runCommand({
    call: 'npm run bench -- batchMemory',
    does: action({ meaning: 'What one batch costs in memory.', flags, run: measureAll }),
  });

async function measureAll({ megabytes }: Given<typeof flags>): Promise<number> {
  const lines: string[][] = [];
  for (const name of Object.keys(kinds)) {
    const measured = fork(__filename, ['--one', name, String(megabytes * 1e6)]);
    const [{ peak, seconds }] = (await once(measured, 'message')) as [{ peak: number; seconds: number }];
    await once(measured, 'exit');
    lines.push([name, rounded(peak / 1e6), rounded(peak / (megabytes * 1e6)), rounded(seconds)]);
  }
  console.log(`A batch with ${megabytes} MB of bodies`);
  printTable(['', 'peak MB', 'times its bodies', 'seconds'], lines);
  return 0;
}

async function measureOne(name: string, total: number): Promise<void> {
  const { stream, bodyOf } = kinds[name] as Kind;
  const writer = openWriter(stream);
  let next = 0;
  const ingest = async (count: number) => {
    const bodies = Array.from({ length: count }, () => bodyOf(1e6));
    const first = next;
    next += count;
    const outcome = await ingestBatch({
      stream,
      hub,
      hubs: { generation: async () => generation },
      writer,
      bodies,
      triggerMetadata: {
        sequenceNumberArray: bodies.map((_, index) => first + index),
        enqueuedTimeUtcArray: bodies.map(() => '2026-02-01T00:00:00Z'),
        partitionContext: { partitionId: '0' },
      },
    });
    if ((outcome?.rows ?? 0) + (outcome?.letters ?? 0) !== count) throw new Error(JSON.stringify(outcome));
  };
  // This run compiles the code, and loads modules that are loaded at first use.
  await ingest(10);
  const before = process.memoryUsage().rss;
  const started = performance.now();
  await ingest(Math.floor(total / bodyOf(1e6).length));
  const seconds = (performance.now() - started) / 1000;
  process.send?.({ peak: process.resourceUsage().maxRSS * 1024 - before, seconds });
  process.disconnect();
}

function openWriter(stream: Stream): TableWriter {
  const store = new LogOnly();
  return new TableWriter({
    stream: stream.name,
    rows: new TableAppender({ at: { store, table: stream.table }, fields: tableFields(stream) }),
    letters: new TableAppender({ at: { store, table: deadLettersTable }, fields: letterFields }),
    hubs: { refresh: async () => generation, firstSequenceNumber: async () => 0 },
    commitIntervalMs: 0,
  });
}
