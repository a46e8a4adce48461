import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { BlobServiceClient } from '@azure/storage-blob';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Azurite, startAzurite } from '../../local/azurite';
import { settingsAt } from '../../local/processes';
import { closeAll, openBroker, openProducerClient } from '../local/broker/clients';

/*
 * `npm run checkpoints` as its users run it, with blobs in the layout of the Event Hubs extension.
 */

let azurite: Azurite;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(async () => {
  await closeAll();
  await azurite.close();
});

const list = (stream: string, own: Record<string, string> = {}, brokerPort?: number) =>
  run(['list', stream], own, brokerPort);

function run(
  words: readonly string[],
  own: Record<string, string>,
  brokerPort = 1,
): Promise<{ code: number; out: string; err: string }> {
  const settings = settingsAt({ storageConnection: azurite.connectionString, brokerPort });
  const env = { PATH: process.env.PATH, ...settings, ...own };
  return new Promise((done) =>
    execFile(
      process.execPath,
      [resolve('dist/src/cli/checkpoints.js'), ...words],
      { env, cwd: tmpdir() },
      (error, out, err) => done({ code: Number(error?.code ?? 0), out, err }),
    ),
  );
}

it('says for each partition from where it is read on, and whether an app reads it', {
  timeout: 60_000,
}, async () => {
  const broker = await openBroker({ clickstream: 4 });
  const { port } = broker;
  const never = 'from the beginning, because it was never read, or its position was deleted; no app reads it';
  const none =
    'No read positions of clickstream are kept (hub clickstream, consumer group tributary): its hub is read from the beginning.';
  expect(await list('clickstream', {}, port)).toMatchObject({
    code: 0,
    out: `${[0, 1, 2, 3].map((n) => `partition ${n}  ${never}\n`).join('')}${none}\n`,
  });
  const storage = BlobServiceClient.fromConnectionString(azurite.connectionString);
  const container = storage.getContainerClient('azure-webjobs-eventhub');
  await container.createIfNotExists();
  const put = (path: string, metadata: Record<string, string>) =>
    container.getBlockBlobClient(`127.0.0.1/${path}`).upload('', 0, { metadata });
  await put('clickstream/tributary/checkpoint/0', { offset: '9', sequencenumber: '411' });
  await put('clickstream/tributary/ownership/0', { ownerid: 'a host' });
  await put('clickstream/tributary/ownership/1', { ownerid: 'a host' });
  await put('clickstream/tributary/checkpoint/2', { offset: '9', sequencenumber: '7' });
  // The owner gave the partition back.
  await put('clickstream/tributary/ownership/2', { ownerid: '' });
  await put('clickstream/tributary/checkpoint/10', { offset: '9' });
  await put('coincap/tributary/checkpoint/3', { offset: '9', sequencenumber: '5' });
  const [claimed, kept] = ['an app reads it (its claim is 0 s old)', 'written TIME'];
  const recorded = {
    0: `after sequence number 411, ${kept}; ${claimed}`,
    1: `from the beginning, because no position is kept yet; ${claimed}`,
    2: `after sequence number 7, ${kept}; no app reads it`,
    10: `after sequence number ?, ${kept}; no app reads it`,
  };
  const all = { ...recorded, 3: never, 10: `${recorded[10]}; the hub has no such partition` };
  const events = openProducerClient(broker, 'clickstream');
  for (const [partitionId, n] of [['0', 412] as const, ['2', 8] as const])
    await events.sendBatch(
      Array.from({ length: n }, () => ({ body: {} })),
      { partitionId },
    );
  expect(linesOf(await list('clickstream', {}, broker.port))).toEqual(partitionLines(all));

  const unasked = await list('clickstream');
  expect(linesOf(unasked)).toEqual(partitionLines(recorded));
  expect(unasked.code).toBe(0);
  expect(unasked.err).toMatch(
    /Hub clickstream: .*\(hub\.unavailable, see docs\/errors\.md\).*\nSo only those partitions are listed of which a position or a claim is kept; the hub may have more\.\n$/,
  );
});

it('says that the hub was made again if positions lie beyond its newest event, and what to do', {
  timeout: 60_000,
}, async () => {
  const broker = await openBroker({ clickstream: 3 });
  const events = openProducerClient(broker, 'clickstream');
  await events.sendBatch([{ body: { n: 1 } }], { partitionId: '1' });
  await events.sendBatch([{ body: { n: 1 } }], { partitionId: '2' });
  const container = BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient(
    'azure-webjobs-eventhub',
  );
  await container.createIfNotExists();
  for (const [partition, sequencenumber] of Object.entries({ 0: '411', 1: '1', 2: '0' })) {
    const path = `127.0.0.1/clickstream/again/checkpoint/${partition}`;
    await container.getBlockBlobClient(path).upload('', 0, { metadata: { offset: '9', sequencenumber } });
  }
  const lines = linesOf(await list('clickstream', { CONSUMER_GROUP: 'again' }, broker.port)).split('\n');
  expect(lines).toEqual([
    'partition 0  after sequence number 411, written TIME; no app reads it; the hub never had an event there',
    'partition 1  after sequence number 1, written TIME; no app reads it; the newest event of the hub is 0',
    'partition 2  after sequence number 0, written TIME; no app reads it',
    'The hub was deleted and made again: stop the app, run "npm run checkpoints -- reset clickstream", and start it.',
    '',
  ]);
});

const linesOf = ({ out }: { out: string }) =>
  out.replace(/\d{4}-\S+Z/g, 'TIME').replace(/is \d+ s/g, 'is 0 s');

const partitionLines = (told: Readonly<Record<number, string>>) =>
  Object.entries(told)
    .map(([partition, text]) => `partition ${partition}  ${text}\n`)
    .join('');

it('names the account, and the code to look up, where storage refuses', async () => {
  const wrong = azurite.connectionString.replace(/AccountKey=[^;]+/, 'AccountKey=YWJj');
  const { code, err } = await list('clickstream', { AzureWebJobsStorage: wrong });
  expect(code).toBe(1);
  expect(err).toMatch(
    /\ndevstoreaccount1\/azure-webjobs-eventhub: list 127\.0\.0\.1\/clickstream\/tributary\/checkpoint\/: 403 [^\n]*[^.]\. \(storage\.refused, see docs\/errors\.md\)\n$/,
  );
});

it('refuses a hub or a partition that is not there, and says what is expected', {
  timeout: 60_000,
}, async () => {
  const broker = await openBroker({ clickstream: 2 });
  const { port } = broker;
  const ofHub = (hub: string) => list('clickstream', { CLICKSTREAM_HUB: hub }, port);
  expect((await ofHub('Clicks x')).err).toContain(
    '- CLICKSTREAM_HUB is malformed: expected the name of an event hub, of the letters a to z,',
  );
  expect((await ofHub('clicks')).err).toContain(
    '\nHub clicks: there is none of this name. (hub.refused, see docs/errors.md)\n',
  );
  const storage = BlobServiceClient.fromConnectionString(azurite.connectionString);
  await storage.getContainerClient('lake').createIfNotExists();
  expect((await run(['skip', 'clickstream', '9'], {}, port)).err).toContain(
    '\nHub clickstream has no partition 9: expected one of 0, 1. (hub.refused, see docs/errors.md)\n',
  );
  const events = openProducerClient(broker, 'clickstream');
  await events.sendBatch([{ body: { n: 1 } }], { partitionId: '0' });
  const other = await run(['skip', 'clickstream', '0'], { CONSUMER_GROUP: 'other' }, port);
  expect(other.err).toContain(
    '\nConsumer group other of hub clickstream: there is none of this name. (hub.refused,',
  );
});

it('keeps the new position also where the container for it was lost', { timeout: 60_000 }, async () => {
  const broker = await openBroker({ clickstream: 1 });
  const events = openProducerClient(broker, 'clickstream');
  await events.sendBatch([{ body: { n: 1 } }], { partitionId: '0' });
  const storage = BlobServiceClient.fromConnectionString(azurite.connectionString);
  await storage.getContainerClient('lake').createIfNotExists();
  await storage.getContainerClient('azure-webjobs-eventhub').deleteIfExists();
  const group = { CONSUMER_GROUP: '$Default' };
  const { code, out, err } = await run(['skip', 'clickstream', '0'], group, broker.port);
  expect(err).toBe('Settings: the environment.\n');
  expect(out).toContain('The trigger will continue at sequence number 1. Start the app again.\n');
  expect(code).toBe(0);
  expect((await list('clickstream', group, broker.port)).out).toMatch(
    /^partition 0 {2}after sequence number 0, /,
  );
});

it('skips nothing, and makes no container, if the lake has a mistyped name', {
  timeout: 60_000,
}, async () => {
  const broker = await openBroker({ clickstream: 1 });
  const producer = openProducerClient(broker, 'clickstream');
  await producer.sendBatch([{ body: { n: 1 } }], { partitionId: '0' });
  const storage = BlobServiceClient.fromConnectionString(azurite.connectionString);
  const checkpoint = storage
    .getContainerClient('azure-webjobs-eventhub')
    .getBlockBlobClient('127.0.0.1/clickstream/mistyped/checkpoint/0');
  const mistyped = { LAKE_CONTAINER: 'lkae', CONSUMER_GROUP: 'mistyped' };
  const { code, err } = await run(['skip', 'clickstream', '0'], mistyped, broker.port);
  expect(err).toContain('devstoreaccount1 has no container lkae, which LAKE_CONTAINER names');
  expect(code).toBe(1);
  expect(await storage.getContainerClient('lkae').exists()).toBe(false);
  expect(await checkpoint.exists()).toBe(false);
});
