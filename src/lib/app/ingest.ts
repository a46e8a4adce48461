import { TableAppender } from '../delta/tableAppender';
import { describeFailure } from '../errors';
import { HubDirectory } from '../ingest/hubDirectory';
import { type IngestOptions, ingestBatch } from '../ingest/ingestBatch';
import { IngestStatus } from '../ingest/ingestStatus';
import { TableWriter } from '../ingest/tableWriter';
import { partitionIdOf } from '../ingest/triggerBatch';
import { deadLettersTable, letterFields } from '../lake/deadLetters';
import { tableFields } from '../lake/rowAddress';
import { once, oncePerKey } from '../once';
import { settings } from '../settings';
import type { Stream } from '../streams/stream';
import { appLake } from './lake';
import { nudgeWarehouse } from './warehouse';

/*
 * Batches of events into the lake. What is made here lives as long as the process, and is made when it is first needed: the
 * host gives a function app seconds to start, and wrong settings must fail a function, not the loading of all of them.
 */

const hubs = once(async () => new HubDirectory((await settings()).eventHubs));

/** Shared by all streams. */
const letters = once(
  async () => new TableAppender({ at: (await appLake()).at(deadLettersTable), fields: letterFields }),
);

/** The one writer of a stream's table in this process. */
const writerOf = oncePerKey(openWriter);

async function openWriter(stream: Stream): Promise<TableWriter> {
  const { commitIntervalMs, acceptGaps } = await settings();
  return new TableWriter({
    stream: stream.name,
    rows: new TableAppender({ at: (await appLake()).at(stream.table), fields: tableFields(stream) }),
    ownColumns: stream.columns.length,
    letters: await letters(),
    hubs: await hubs(),
    acceptGaps,
    commitIntervalMs,
    onRound: (report) => console.log(JSON.stringify({ event: 'round', ...report })),
  });
}

/** What the other processes learn of this one's failing batches. */
const ingestStatus = once(
  () =>
    new IngestStatus({
      store: async () => (await appLake()).store,
      warn: (error) =>
        console.warn(JSON.stringify({ event: 'ingest-status-not-written', ...describeFailure(error) })),
    }),
);

/**
 * Carries one trigger batch into the stream's table. Rejects, after a log line, when an event of it may be missing: whatever
 * the error, the trigger then brings the batch again.
 */
export async function ingest(
  stream: Stream,
  bodies: unknown,
  triggerMetadata: IngestOptions['triggerMetadata'],
): Promise<void> {
  const partition = partitionIdOf(triggerMetadata);
  try {
    const hub = (await settings()).hub(stream.hubSetting);
    const writer = await writerOf(stream);
    await ingestBatch({ stream, hub, hubs: await hubs(), writer, bodies, triggerMetadata });
    if (partition !== undefined) ingestStatus().succeeded(stream.name, partition);
    nudgeWarehouse(stream);
  } catch (error) {
    if (partition !== undefined) ingestStatus().failed(stream.name, partition, error);
    const where = { stream: stream.name, partition };
    console.error(JSON.stringify({ event: 'batch-failed', ...where, ...describeFailure(error) }));
    throw error;
  }
}

/** Ends ingestion in this process: resolves when every batch that was handed to a writer is committed or failed. */
export async function drainWriters(): Promise<void> {
  await Promise.all([...writerOf.made().values()].map(async (writer) => (await writer).drain()));
}

/** Closes the connections used to ask about hubs. */
export const closeHubs = async (): Promise<void> => (await hubs.made())?.close();
