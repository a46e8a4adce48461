import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { EventHubConsumerClient } from '@azure/event-hubs';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { type Broker, startBroker } from '../../local/broker/broker';
import { parseConfig } from '../../local/broker/config';
import { createClickSimulator } from '../../src/lib/sources/clickSimulator';

/*
 * `npm run generate` as its container runs it: settings in the environment alone.
 */

let broker: Broker;
beforeAll(async () => {
  const Entities = ['clicks', 'sessions', 'slow', 'other'].map((Name) => ({
    Name,
    PartitionCount: 2,
    ConsumerGroups: [],
  }));
  const NamespaceConfig = [{ Type: 'EventHub', Name: 'emulatorNs1', Entities }];
  broker = await startBroker({ port: 0, config: parseConfig({ UserConfig: { NamespaceConfig } }) });
});
afterAll(() => broker.close());

function start(args: readonly string[], own: Record<string, string> = {}) {
  const settings = {
    hostName: `localhost:${broker.port}`,
    sasKeyName: 'send',
    sasKeyValue: 'SAS_KEY_VALUE',
    eventHubName: 'clicks',
  };
  const child = spawn(process.execPath, [resolve('dist/src/cli/generate.js'), ...args], {
    cwd: tmpdir(),
    env: { PATH: process.env.PATH, ...settings, ...own },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const text = { out: '', err: '' };
  child.stdout.on('data', (chunk) => {
    text.out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    text.err += chunk;
  });
  const ended = new Promise<{ code: number | null; out: string; err: string }>((done) =>
    child.once('close', (code) => done({ code, ...text })),
  );
  return { child, ended };
}

interface Click {
  readonly productid: number;
  readonly sessionid: number;
  readonly category: number;
  readonly timestamp: string;
}

/** The clicks of a hub. */
async function clicksIn(hub: string): Promise<Click[]> {
  const count = broker.stats().hubs[hub]?.accepted ?? 0;
  const client = new EventHubConsumerClient('$Default', broker.connectionString(hub));
  const clicks: Click[] = [];
  await new Promise<void>((done) => {
    const subscription = client.subscribe(
      {
        processEvents: async (events) => {
          for (const { body } of events) clicks.push(body);
          if (clicks.length >= count) void subscription.close().then(done);
        },
        processError: async (error) => {
          throw error;
        },
      },
      { startPosition: { offset: '-1' }, maxWaitTimeInSeconds: 1 },
    );
  });
  await client.close();
  return clicks;
}

it('sends clicks within the given ranges, for the given time', async () => {
  const ranges = ['--min-product', '5', '--max-product', '7', '--categories', '2'];
  const { code, out, err } = await start(['--rate', '50', '--duration', '2s', ...ranges]).ended;
  expect([code, err]).toEqual([0, '']);
  expect(out).toBe('Ended: the hub clicks acknowledged 100 clicks.\n');
  const clicks = await clicksIn('clicks');
  expect(clicks).toHaveLength(100);
  expect(new Set(clicks.map(({ productid }) => productid))).toEqual(new Set([5, 6, 7]));
  for (const { productid, category, timestamp } of clicks) {
    expect(category).toBe((productid % 2) + 1);
    expect(timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}\+00:00$/);
  }
});

const threeSessions = ['--sessions', '3', '--max-clicks', '20', '--seed', '4'];
/** The clicks of these sessions. */
const clicksOfThree = createClickSimulator({
  now: 0,
  seed: 4,
  eventTimes: 'published',
  nosessions: 4,
  maxclicks: 20,
}).tick(1000, 1000);

it('ends after the given number of sessions', async () => {
  expect(new Set(clicksOfThree.map(({ sessionid }) => sessionid))).toEqual(new Set([1, 2, 3]));
  const { code } = await start([...threeSessions, '--rate', '1000'], { eventHubName: 'sessions' }).ended;
  expect(code).toBe(0);
  const told = ({ sessionid, productid, category }: Click) => `${sessionid} ${productid} ${category}`;
  expect((await clicksIn('sessions')).map(told).sort()).toEqual(clicksOfThree.map(told).sort());
});

/** Has the process wait for nothing: its clock is put on instead, by a millisecond less, as timers may be early by that much. */
const quickClock = `
  import timers from 'node:timers/promises';
  let now = Date.now();
  Date.now = () => now;
  timers.setTimeout = async (pause) => { now += Math.max(1, pause - 1); };`;
const withQuickClock = {
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(quickClock)}`,
  eventHubName: 'slow',
};

it('sends at a rate of less than a click in minutes', async () => {
  const { code, out } = await start(['--rate', '0.002', '--duration', '100m'], withQuickClock).ended;
  expect([code, out]).toEqual([0, 'Ended: the hub slow acknowledged 12 clicks.\n']);
});

it('goes on to the last session at any rate, though a pause ends before a click is due', async () => {
  const { code, out } = await start([...threeSessions, '--rate', '1'], withQuickClock).ended;
  expect([code, out]).toEqual([0, `Ended: the hub slow acknowledged ${clicksOfThree.length} clicks.\n`]);
});

it('a name without a domain is that of a namespace in Azure', async () => {
  // No name has so many letters, so that nobody is asked for it.
  const hostName = 'a'.repeat(64);
  const { err } = await start(['--duration', '1s'], { hostName }).ended;
  expect(err).toContain(` ${hostName}.servicebus.windows.net. It goes on with the next clicks.\n`);
});

it('ends in order when its container is stopped', async () => {
  const { child, ended } = start(['--rate', '100'], { eventHubName: 'other' });
  await expect.poll(() => broker.stats().hubs.other?.accepted, { timeout: 20_000 }).toBeGreaterThan(0);
  child.kill('SIGTERM');
  const { code, out } = await ended;
  expect([code, out]).toEqual([
    0,
    `Ended: the hub other acknowledged ${broker.stats().hubs.other?.accepted} clicks.\n`,
  ]);
});

it('a key that is refused ends it, without the key in a message', async () => {
  const { code, out, err } = await start([], { sasKeyValue: 'no-such-key' }).ended;
  expect(code).toBe(1);
  expect(err).toMatch(
    /^Hub clicks acknowledged 0 of \d+ events: .*\(hub\.refused, see docs\/errors\.md\)\n$/,
  );
  expect(`${out}${err}`).not.toContain('no-such-key');
});

it.each<[string, string[], Record<string, string>, string]>([
  [
    'missing settings',
    [],
    { hostName: '', sasKeyValue: ' ' },
    'hostName, sasKeyValue are missing in the environment: expected the host name of an Event Hubs namespace, the key of a policy that may send.',
  ],
  [
    'an address instead of a name',
    [],
    { hostName: 'sb://contoso.servicebus.windows.net/' },
    'hostName: expected a name like contoso or contoso.servicebus.windows.net, without sb://, a path and keys.',
  ],
  [
    'a connection string instead of a name, without its key in a message',
    [],
    {
      hostName:
        'Endpoint=sb://contoso.servicebus.windows.net/;SharedAccessKeyName=send;SharedAccessKey=c2VjcmV0',
    },
    'hostName: expected a name like contoso or contoso.servicebus.windows.net, without sb://, a path and keys.',
  ],
  [
    'a key instead of the name of a hub, without the key in a message',
    [],
    { eventHubName: 'c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2U=' },
    'sasKeyName, eventHubName: expected names of the letters a to z, digits, ., - and _, with a letter or digit at both ends.',
  ],
  [
    'a connection string instead of a key',
    [],
    { sasKeyValue: 'Endpoint=sb://x;SharedAccessKey=y' },
    'sasKeyValue: expected the key alone, without blanks and ;.',
  ],
  [
    'two ends',
    ['--sessions', '3', '--duration', '5m'],
    {},
    '--sessions ends after so many sessions: leave out --duration.',
  ],
  [
    'an empty range',
    ['--min-product', '9', '--max-product', '8'],
    {},
    '--max-product 8: expected at least --min-product, 9.',
  ],
])('refuses %s, with 1 for a wrong setting and 2 for wrong arguments', async (_, args, own, message) => {
  const { code, out, err } = await start(args, own).ended;
  expect([code, out, err.split('\n')[0]]).toEqual([args.length === 0 ? 1 : 2, '', message]);
});

it('goes on in whole sentences when nothing answers, and ends with 1 if the hub took no click at all', async () => {
  const { code, out, err } = await start(['--duration', '1s'], { hostName: 'localhost:1' }).ended;
  expect(err).toMatch(
    /ECONNREFUSED [^ ]+:1\. It goes on with the next clicks\. Nothing runs there: .* or correct hostName\.\n$/,
  );
  expect([code, out]).toEqual([1, 'Ended: the hub clicks acknowledged 0 clicks.\n']);
});

it('ends with 0 if there was no click to send', async () => {
  const { code, out } = await start(['--rate', '0.001', '--duration', '1s'], { hostName: 'localhost:1' })
    .ended;
  expect([code, out]).toEqual([0, 'Ended: the hub clicks acknowledged 0 clicks.\n']);
});

it('counts the clicks up in one line of a terminal', async () => {
  const asTerminal = { NODE_OPTIONS: '--import=data:text/javascript,process.stdout.isTTY=true' };
  const { code, out } = await start(['--rate', '50', '--duration', '2s'], {
    ...asTerminal,
    eventHubName: 'other',
  }).ended;
  const lines = out.replaceAll('\u001b[K', '').split('\r').slice(1);
  expect([code, lines.pop()]).toEqual([0, 'Ended: the hub other acknowledged 100 clicks.\n']);
  const counts = lines.map((line) => Number(/^Clicks sent to EventHub: (\d+)$/.exec(line)?.[1]));
  expect(counts.at(-1)).toBe(100);
  expect(counts).toEqual(counts.toSorted((a, b) => a - b));
});
