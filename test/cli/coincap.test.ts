import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest';
import { type Broker, startBroker } from '../../local/broker/broker';
import { parseConfig } from '../../local/broker/config';
import { type Coincap, startCoincap } from '../../local/coincap/coincap';
import { readPartition } from '../../src/lib/sources/readPartition';
import { findStream } from '../../src/lib/streams/loadStreams';
import { type Decoded, isRow, type Stream } from '../../src/lib/streams/stream';
import { endCommand, runCommand } from '../kit/runCommand';

/*
 * `npm run coincap` between the simulated API and a hub, and the rows that the stream makes of what it sent. A project may have removed
 * the stream.
 */

let broker: Broker;
let coincap: Coincap;
let stream: Stream | undefined;
beforeAll(async () => {
  stream = await findStream('coincap');
  coincap = await startCoincap({ port: 0, key: 'the-key' });
  const Entities = ['single', 'counted', 'array', 'again', 'untouched'].map((Name) => ({
    Name,
    PartitionCount: Name === 'counted' ? 4 : 1,
    ConsumerGroups: [],
  }));
  const NamespaceConfig = [{ Type: 'EventHub', Name: 'emulatorNs1', Entities }];
  broker = await startBroker({ port: 0, config: parseConfig({ UserConfig: { NamespaceConfig } }) });
});
beforeEach(({ skip }) => skip(!stream, 'There is no such stream.'));
afterAll(async () => {
  await broker.close();
  await coincap.close();
});

function start(hub: string, args: readonly string[] = [], own: Record<string, string> = {}) {
  const command = runCommand('src/cli/coincap.js', args, '/', {
    PATH: process.env.PATH,
    EventHubConnection: broker.connectionString(),
    COINCAP_HUB: hub,
    COINCAP_URL: coincap.url,
    COINCAP_API_KEY: 'the-key',
    ...own,
  });
  onTestFinished(() => endCommand(command));
  return command;
}

const twoLines = /Coins sent to EventHub: 100\nData Published at: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}\n/g;
const accepted = (hub: string) => broker.stats().hubs[hub]?.accepted ?? 0;

/** What the stream makes of each event of a hub. */
async function decodedIn(hub: string) {
  const place = { namespace: { connectionString: broker.connectionString() }, hub };
  const range = { consumerGroup: '$Default', partitionId: '0', first: 0, last: accepted(hub) - 1 };
  const decoded: Decoded[] = [];
  for await (const events of readPartition({ ...place, ...range }))
    decoded.push(...events.map(({ body }) => stream?.decode(body ?? new Uint8Array()) ?? []));
  return decoded;
}

it('sends each asset as an event and prints the lines of the published script', async () => {
  const command = start('single');
  expect(await command.ended).toBe(0);
  expect(command.text().replace(/^Settings: .*\n/, '')).toMatch(new RegExp(`^${twoLines.source}$`));
  const decoded = await decodedIn('single');
  expect(decoded.map((elements) => elements.length)).toEqual(Array(100).fill(1));
  expect(decoded.flat().every(isRow)).toBe(true);
});

it('counts up in one line of a terminal while the hub acknowledges, and leaves the two lines', async () => {
  const asTerminal = { NODE_OPTIONS: '--import=data:text/javascript,process.stdout.isTTY=true' };
  const command = start('counted', [], asTerminal);
  expect(await command.ended).toBe(0);
  const [drawn, ...lines] = command.text().split('\r\u001b[K');
  const counts = [...(drawn ?? '').matchAll(/\rCoins sent to EventHub: (\d+)/g)].map(([, n]) => Number(n));
  expect(counts).toHaveLength(4);
  expect(counts).toEqual(counts.toSorted((a, b) => a - b));
  expect(counts.at(-1)).toBe(100);
  expect(lines.join('')).toMatch(new RegExp(`^${twoLines.source}$`));
});

it('sends all assets as one event with --array, and counts the assets', async () => {
  const command = start('array', ['--array']);
  expect(await command.ended).toBe(0);
  expect(command.text().match(twoLines)).toHaveLength(1);
  const decoded = await decodedIn('array');
  expect(decoded.map((elements) => elements.length)).toEqual([100]);
  expect(decoded.flat().every(isRow)).toBe(true);
});

it('goes on over an outage and a pause that the API asks for with --every, until it is stopped', async () => {
  coincap.fail({ kind: '503' });
  coincap.fail({ kind: '429', retryAfterSeconds: 0 });
  const command = start('again', ['--every', '100ms']);
  await command.until(new RegExp(`(${twoLines.source}){2}`));
  command.process.kill('SIGTERM');
  expect(await command.ended).toBe(0);
  expect(command.text()).toMatch(/CoinCap answered HTTP 503: .* The next turn tries again\.\n/);
  expect(command.text()).toMatch(/CoinCap wants no requests before .*; nothing was sent\.\n/);
  expect(accepted('again')).toBe(100 * (command.text().match(twoLines)?.length ?? 0));
});

it.each<[string, Record<string, string>, RegExp]>([
  [
    'without a key',
    { COINCAP_API_KEY: '' },
    /COINCAP_API_KEY is missing: expected a key of the CoinCap API\.\n$/,
  ],
  [
    'with a key that the API refuses',
    { COINCAP_API_KEY: 'no-such-key' },
    /CoinCap answered HTTP 401 .*\(source\.refused, see docs\/errors\.md\)\n$/,
  ],
  [
    'with a reference to Key Vault that was not resolved, which is not sent to the API,',
    { COINCAP_API_KEY: '@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/no-such-key/)' },
    /COINCAP_API_KEY is a reference to Key Vault that was not resolved: .*\.\n$/,
  ],
  [
    'with an address in quotes',
    { COINCAP_URL: '"https://rest.coincap.io"' },
    /COINCAP_URL is in quotes: remove them\.\n$/,
  ],
  [
    'with an address that is none',
    { COINCAP_URL: 'rest.coincap.io' },
    /COINCAP_URL is malformed: expected an https URL; http only on this machine\.\n$/,
  ],
  [
    'without a hub',
    { COINCAP_HUB: '' },
    /COINCAP_HUB is missing: expected the name of an event hub, of the letters .*\.\n$/,
  ],
  [
    'with a hub of another form',
    { COINCAP_HUB: 'my coins' },
    /COINCAP_HUB is malformed: expected the name of an event hub, of the letters a to z, digits, \., - and _, with a letter or digit at both ends\.\n$/,
  ],
])('%s it ends with 1, and says so, also with --every', async (_, own, message) => {
  const command = start('untouched', ['--every', '1h'], own);
  expect(await command.ended).toBe(1);
  expect(command.text()).toMatch(message);
  expect(command.text()).not.toContain('no-such-key');
  expect(accepted('untouched')).toBe(0);
});

it('says how to start the simulator where nothing runs on this machine', async () => {
  const command = start('untouched', [], { COINCAP_URL: 'http://127.0.0.1:65534' });
  expect(await command.ended).toBe(1);
  expect(command.text()).toMatch(
    /ECONNREFUSED 127.*\(source\.unavailable, see docs\/errors\.md\)\. Nothing runs there: start "npm start" or/,
  );
});
