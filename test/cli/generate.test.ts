import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { EventHubConsumerClient } from '@azure/event-hubs';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { type Broker, startBroker } from '../../local/broker/broker';
import { parseConfig } from '../../local/broker/config';

/*
 * `npm run generate` as its container runs it: settings in the environment alone.
 */

let broker: Broker;
beforeAll(async () => {
  const Entities = ['clicks', 'sessions', 'other'].map((Name) => ({
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

it('ends after the given number of sessions', async () => {
  const args = ['--sessions', '3', '--rate', '1000', '--max-clicks', '20', '--seed', '4'];
  const { code } = await start(args, { eventHubName: 'sessions' }).ended;
  expect(code).toBe(0);
  const sessions = new Set((await clicksIn('sessions')).map(({ sessionid }) => sessionid));
  expect([...sessions].every((id) => id >= 1 && id <= 3)).toBe(true);
  expect(sessions.size).toBeGreaterThan(0);
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
    'hostName, sasKeyValue are missing in the environment: expected the host name of an Event Hubs namespace, the name and the key of a policy that may send, and the name of a hub.',
  ],
  [
    'an address instead of a name',
    [],
    { hostName: 'sb://contoso.servicebus.windows.net/' },
    'hostName "sb://contoso.servicebus.windows.net/": expected a name like contoso or contoso.servicebus.windows.net, without sb:// and a path.',
  ],
  [
    'a connection string instead of a key',
    [],
    { sasKeyValue: 'Endpoint=sb://x;SharedAccessKey=y' },
    'sasKeyName, sasKeyValue, eventHubName: expected names and a key without blanks and ;.',
  ],
  [
    'an empty range',
    ['--min-product', '9', '--max-product', '8'],
    {},
    '--max-product 8: expected at least --min-product, 9.',
  ],
])('refuses %s', async (_, args, own, message) => {
  const { code, out, err } = await start(args, own).ended;
  expect([code, out, err.split('\n')[0]]).toEqual([2, '', message]);
});

it('goes on in whole sentences when nothing answers', async () => {
  const { code, out, err } = await start(['--duration', '1s'], { hostName: 'localhost:1' }).ended;
  expect(err).toMatch(/ECONNREFUSED [^ ]+:1\. It goes on with the next clicks\.\n$/);
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
