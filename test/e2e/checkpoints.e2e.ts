import { setTimeout as sleep } from 'node:timers/promises';
import rhea, { type Message } from 'rhea';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openSnapshot } from '../../src/lib/delta/openTable';
import { deadLettersTable } from '../../src/lib/lake/deadLetters';
import { readLetters } from '../../src/lib/lake/readLetters';
import { openHubClient } from '../../src/lib/sources/hubClient';
import { openAzureBlobStore, openContainer } from '../../src/lib/storage/azureBlobStore';
import { checkpointFolder } from '../../src/lib/storage/triggerCheckpoints';
import { disabledSources } from '../kit/disabledFunctions';
import { LocalStack } from '../kit/localStack';
import { sendRaw } from '../kit/rawAmqp';

let stack: LocalStack;
beforeEach(async () => {
  stack = new LocalStack();
  // The hub must have only the events of the test.
  await stack.start({ ...disabledSources(), COMMIT_INTERVAL: '200ms' });
});
afterEach(() => stack.stop());

async function untilRows(rows: number): Promise<void> {
  const giveUpAt = Date.now() + 60_000;
  for (;;) {
    const now = (await stack.figures('clickstream')).rows;
    if (now === rows) return;
    if (now > rows || Date.now() > giveUpAt) throw new Error(`${now} rows instead of ${rows}.`);
    await sleep(100);
  }
}

/** Resolves once the host has saved that it read these events; until then, a new reader starts at the hub's first event. */
async function untilReadPositions(events: number): Promise<void> {
  const { AzureWebJobsStorage = '', EventHubConnection = '', CONSUMER_GROUP = '' } = stack.settings;
  const container = await openContainer({ connectionString: AzureWebJobsStorage }, 'azure-webjobs-eventhub');
  const eventHubName = 'clickstream';
  const hub = await openHubClient({ connectionString: EventHubConnection }, eventHubName);
  const { fullyQualifiedNamespace } = hub;
  await hub.close();
  const prefix = checkpointFolder({ fullyQualifiedNamespace, eventHubName, consumerGroup: CONSUMER_GROUP });
  const saved = async () => {
    let read = 0;
    for await (const { metadata } of container.listBlobsFlat({ prefix, includeMetadata: true }))
      if (metadata?.sequencenumber) read += Number(metadata.sequencenumber) + 1;
    return read;
  };
  await vi.waitFor(async () => expect(await saved()).toBe(events), { timeout: 30_000, interval: 100 });
}

const post = (path: string) => fetch(`${stack.broker.healthUrl}${path}`, { method: 'POST' });

describe('a hub that was deleted and made again', () => {
  it('is read from its start once the checkpoints are reset, and none of its events is taken for an old one', {
    timeout: 180_000,
  }, async () => {
    await stack.startHost('one');
    await stack.sendClicks(400);
    await untilRows(400);
    expect((await post('/hubs/clickstream/recreate')).ok).toBe(true);
    expect(await stack.command('checkpoints', 'list', 'clickstream')).toMatch(
      /^partition 0 {2}after sequence number \d+, written \S+Z; an app reads it \(its claim is \d+ s old\); the hub never had an event there$/m,
    );
    await expect(stack.command('checkpoints', 'reset', 'clickstream')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /an app reads partitions 0, 1, 2, 3 \(the newest claim is .*\)\. Stop the app and try again/,
      ),
    });
    await stack.stopHost('one');
    expect(await stack.command('checkpoints', 'reset', 'clickstream')).toContain('deleted ');
    await stack.startHost('two');
    await stack.sendClicks(300);
    await untilRows(700);
    expect(await stack.command('verify', 'clickstream')).toContain('Each event is there once.');
  });
});

describe('a hub that was made again under a reader, and has more events than the old one', () => {
  it('is not read from its middle, and wholly once the checkpoints are reset', {
    timeout: 180_000,
  }, async () => {
    await stack.startHost('one');
    await stack.sendClicks(200);
    await untilRows(200);
    await untilReadPositions(200);
    expect((await post('/hubs/clickstream/recreate')).ok).toBe(true);
    await stack.sendClicks(900);
    await vi.waitFor(() => expect(stack.log('one')).toContain('"code":"ingest.gap"'), { timeout: 60_000 });
    expect((await stack.figures('clickstream')).rows).toBe(200);
    await stack.stopHost('one');
    await stack.command('checkpoints', 'reset', 'clickstream');
    await stack.startHost('two');
    await untilRows(1100);
    expect(await stack.command('verify', 'clickstream')).toContain('Each event is there once.');
  });
});

describe('events that expired before they were read', () => {
  it('are on record as dead letters, and the rest arrives', { timeout: 180_000 }, async () => {
    await stack.startHost('one');
    await stack.sendClicks(400);
    await untilRows(400);
    await stack.killHost('one');
    await stack.sendClicks(400);
    const stats = (await (await fetch(`${stack.broker.healthUrl}/stats`)).json()) as {
      hubs: { clickstream: { partitions: { last: number }[] } };
    };
    const { last } = stats.hubs.clickstream.partitions[0] ?? { last: 0 };
    expect((await post(`/hubs/clickstream/truncate?partition=0&before=${last}`)).ok).toBe(true);
    const store = await openAzureBlobStore({ connectionString: stack.settings.LakeStorage ?? '' }, 'lake');
    const before = (await openSnapshot({ store, table: 'clicks' }))?.txns ?? new Map();
    const read = [...before].find(([appId]) => appId.endsWith('/0'))?.[1].version ?? 0;
    expect(last).toBeGreaterThan(read + 1);
    const expired = last - read - 1;

    await stack.startHost('one');
    await untilRows(800 - expired);
    const letters = await openSnapshot({ store, table: deadLettersTable });
    expect(letters && (await readLetters(letters))).toMatchObject([
      {
        stream: 'clickstream',
        partition: 0,
        sequenceNumber: read + 1,
        reason: 'expired',
        detail: expect.stringMatching(new RegExp(`^${expired} events`)),
      },
    ]);
    expect(await stack.command('deadLetters', 'list')).toContain('1  clickstream expired');
    expect(await stack.command('verify', 'clickstream')).toContain('Each event is there once.');
  });
});

describe('another consumer group', () => {
  it('reads everything again, and none of it becomes a row twice', { timeout: 180_000 }, async () => {
    await stack.startHost('one');
    await stack.sendClicks(400);
    await untilRows(400);
    await stack.killHost('one');
    await stack.startHost('two', { CONSUMER_GROUP: '$Default' });
    await stack.sendClicks(100);
    await untilRows(500);
    expect(stack.roundTotals('two')).toEqual({ rows: 100, duplicates: 400 });
    expect(await stack.command('verify', 'clickstream')).toContain('Each event is there once.');
  });
});

describe('events that the trigger cannot read', () => {
  it('block their partition until they are skipped, and then all other events become rows', {
    timeout: 240_000,
  }, async () => {
    const each = 100;
    const hub = 'clickstream';
    const kinds: Message['body'][] = [
      rhea.message.data_section(Buffer.from('{"productid":1}')),
      { productid: 2 },
      rhea.message.sequence_section([1, 'two']),
      rhea.message.data_sections([Buffer.from('{"productid":'), Buffer.from('3}')]),
      undefined,
    ];
    await stack.startHost('one');
    await sendRaw(stack.broker, { hub, partitionId: '1' }, [{ body: kinds[0] }]);
    await untilRows(1);
    const mixed = Array.from({ length: each }, () => kinds.map((body) => ({ body }))).flat();
    await sendRaw(stack.broker, { hub, partitionId: '0' }, mixed);
    await vi.waitFor(
      () =>
        expect(stack.log('one')).toMatch(
          /partition 0 of the hub clickstream stands still since \S+: The AMQP body of the event with sequence number 1 is not one data section\. Stop the app, run "npm run checkpoints -- skip <stream> 0", and start it again\./,
        ),
      { timeout: 60_000 },
    );
    expect((await stack.figures('clickstream')).rows).toBe(1);
    await expect(stack.command('checkpoints', 'skip', 'clickstream', '0')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('an app reads partition 0'),
    });
    await stack.stopHost('one');
    expect(await stack.command('checkpoints', 'skip', 'clickstream', '0')).toBe(
      `clickstream partition 0: ${each} events committed as usual, and ${4 * each} dead letters with the reason unreadable.\n` +
        `The trigger will continue at sequence number ${5 * each}. Start the app again.\n`,
    );
    expect(await stack.command('checkpoints', 'skip', 'clickstream', '2')).toBe(
      'clickstream partition 2: no event waits in the hub, so there is nothing to skip.\n',
    );
    await stack.startHost('two');
    await sendRaw(
      stack.broker,
      { hub, partitionId: '0' },
      Array.from({ length: each }, () => ({ body: kinds[0] })),
    );
    await untilRows(1 + 2 * each);
    expect(await stack.command('deadLetters', 'list')).toContain(`${4 * each}  clickstream unreadable`);
    expect(await stack.command('deadLetters', 'show', 'clickstream', '0', '1')).toContain(
      '\n{"productid":2}\n',
    );
    expect(await stack.command('verify', 'clickstream')).toContain('Each event is there once.');
    // An AMQP value with the content that the stream expects becomes a row.
    expect(await stack.command('deadLetters', 'replay', 'clickstream')).toContain(`${each} appended`);
    expect(await stack.command('verify', 'clickstream')).toContain('Each event is there once.');
  });
});
