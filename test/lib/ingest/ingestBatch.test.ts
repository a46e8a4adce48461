import { expect, it, onTestFinished } from 'vitest';
import { startBroker } from '../../../local/broker/broker';
import { parseConfig } from '../../../local/broker/config';
import { openState } from '../../../src/lib/delta/openTable';
import { HubDirectory } from '../../../src/lib/ingest/hubDirectory';
import { ingestBatch } from '../../../src/lib/ingest/ingestBatch';
import { clickstream } from '../../../src/lib/streams/clickstream';
import { WriterStand } from './writerStand';

it('a batch of the trigger becomes rows of the generation that its hub has, and an empty one nothing', async () => {
  const Entities = [{ Name: 'clicks', PartitionCount: 4, ConsumerGroups: [] }];
  const NamespaceConfig = [{ Type: 'EventHub', Name: 'emulatorNs1', Entities }];
  const broker = await startBroker({ port: 0, config: parseConfig({ UserConfig: { NamespaceConfig } }) });
  const hubs = new HubDirectory({ connectionString: broker.connectionString() });
  onTestFinished(async () => {
    hubs.close();
    await broker.close();
  });
  const { createdOn } = await hubs.generation('clicks');
  const stand = new WriterStand();
  const ingest = (bodies: readonly string[]) =>
    ingestBatch({
      stream: clickstream,
      hub: 'clicks',
      hubs,
      writer: stand.writer({ hubs }),
      bodies: bodies.map((body) => Buffer.from(body)),
      triggerMetadata: {
        sequenceNumberArray: bodies.map((_, index) => index),
        enqueuedTimeUtcArray: bodies.map(() => new Date(createdOn.getTime() + 1000).toISOString()),
        partitionContext: { partitionId: '3' },
      },
    });
  expect(await ingest([])).toBeUndefined();
  expect(await ingest(['{"productid":0,"sessionid":1}', 'no JSON', '{"productid":2,"sessionid":1}'])).toEqual(
    {
      version: 1,
      rows: 2,
      duplicates: 0,
      letters: 1,
    },
  );
  expect(await stand.rows()).toEqual(['3/0', '3/2']);
  expect(await stand.letters()).toMatchObject([{ sequence_number: 1, reason: 'not-json' }]);
  const txns = [...((await openState(stand.at))?.txns.keys() ?? [])];
  expect(txns).toEqual([`127.0.0.1/clicks@${createdOn.toISOString().toLowerCase()}/3`]);
});
