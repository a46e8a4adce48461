import { beforeAll, expect, it } from 'vitest';
import { startBroker } from '../../../local/broker/broker';
import { parseConfig } from '../../../local/broker/config';
import { openState } from '../../../src/lib/delta/openTable';
import { HubDirectory } from '../../../src/lib/ingest/hubDirectory';
import { ingestBatch } from '../../../src/lib/ingest/ingestBatch';
import type { TableWriter } from '../../../src/lib/ingest/tableWriter';
import { clickstream } from '../../../src/lib/streams/clickstream';
import { WriterStand } from './writerStand';

const hub = 'clicks';
let hubs: HubDirectory;
let createdOn: Date;

beforeAll(async () => {
  const Entities = [{ Name: hub, PartitionCount: 4, ConsumerGroups: [] }];
  const NamespaceConfig = [{ Type: 'EventHub', Name: 'emulatorNs1', Entities }];
  const broker = await startBroker({ port: 0, config: parseConfig({ UserConfig: { NamespaceConfig } }) });
  hubs = new HubDirectory({ connectionString: broker.connectionString() });
  ({ createdOn } = await hubs.generation(hub));
  return async () => {
    hubs.close();
    await broker.close();
  };
});

/** Ingests events of partition 3, numbered from 0 on, as the trigger passes them. */
const ingest = (writer: TableWriter, bodies: readonly (string | Buffer)[]) =>
  ingestBatch({
    stream: clickstream,
    hub,
    hubs,
    writer,
    bodies: bodies.map((body) => Buffer.from(body)),
    triggerMetadata: {
      sequenceNumberArray: bodies.map((_, index) => index),
      enqueuedTimeUtcArray: bodies.map(() => new Date(createdOn.getTime() + 1000).toISOString()),
      partitionContext: { partitionId: '3' },
    },
  });

it('a batch of the trigger becomes rows of the generation that its hub has, and an empty one nothing', async () => {
  const stand = new WriterStand();
  const writer = stand.writer({ hubs });
  expect(await ingest(writer, [])).toBeUndefined();
  const bodies = ['{"productid":0,"sessionid":1}', 'no JSON', '{"productid":2,"sessionid":1}'];
  expect(await ingest(writer, bodies)).toEqual({ version: 1, rows: 2, duplicates: 0, letters: 1 });
  expect(await stand.rows()).toEqual(['3/0', '3/2']);
  expect(await stand.letters()).toMatchObject([{ sequence_number: 1, reason: 'not-json' }]);
  const txns = [...((await openState(stand.at))?.txns.keys() ?? [])];
  expect(txns).toEqual([`127.0.0.1/clicks@${createdOn.toISOString().toLowerCase()}/3`]);
});

it('a batch of large events is committed in parts, which do not wait for the interval, and dropped if it comes again', async () => {
  const stand = new WriterStand();
  const writer = stand.writer({ hubs, commitIntervalMs: 3_600_000 });
  const megabyte = ' '.repeat(1024 * 1024);
  const bodies = Array.from(
    { length: 34 },
    (_, index) => `{"productid":${index},"sessionid":1}`.padEnd(2 ** 20) + (index === 20 ? megabyte : ''),
  );
  const first = ingest(writer, bodies);
  // The parts have at most 16 MiB; the second one has the event of 2 MiB. The last one has nothing behind it, and waits.
  await expect.poll(() => stand.rounds.map(({ events }) => events), { timeout: 20_000 }).toEqual([16, 15]);
  await expect.poll(() => writer.drain().then(() => stand.rounds.length), { timeout: 20_000 }).toBe(3);
  expect(await first).toEqual({ version: 3, rows: 34, duplicates: 0, letters: 0 });
  expect(await ingest(stand.writer({ hubs }), bodies)).toMatchObject({ rows: 0, duplicates: 34 });
  expect(await stand.rows()).toHaveLength(34);
});
