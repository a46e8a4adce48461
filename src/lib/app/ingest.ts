import { openState } from '../delta/openTable';
import { TableAppender } from '../delta/tableAppender';
import { describeFailure, TributaryError } from '../errors';
import { HubDirectory } from '../ingest/hubDirectory';
import { type IngestOptions, ingestBatch } from '../ingest/ingestBatch';
import type { IngestFailure } from '../ingest/ingestFailure';
import { IngestStatus } from '../ingest/ingestStatus';
import { type Skipped, skipUnreadable } from '../ingest/skipUnreadable';
import { TableWriter, type TableWriterOptions } from '../ingest/tableWriter';
import { partitionIdOf } from '../ingest/triggerBatch';
import { deadLettersTable, letterFields } from '../lake/deadLetters';
import { tableFields } from '../lake/rowAddress';
import { logEvent } from '../log';
import { once, oncePerKey } from '../once';
import { type Settings, settings } from '../settings';
import { readPartition } from '../sources/readPartition';
import type { TriggerCheckpoints } from '../storage/triggerCheckpoints';
import type { Stream } from '../streams/stream';
import { appLake, type Lake, openExistingLake } from './lake';
import { maxTriggerBatch } from './triggerBatchSize';
import { nudgeWarehouse } from './warehouse';

/*
 * Takes batches of events into the lake. The objects here live as long as the process. They are made at their first use, for two reasons:
 * the host gives a function app only seconds to start, and wrong settings must fail one function, not the loading of all.
 */

/**
 * A stream's hub, and the directory that asks about it. It asks through the connection from which the stream's events come, because each
 * stream may have its own namespace. It is kept, so that the settings are not read again for each batch.
 */
const sourceOf = oncePerKey(async (stream: Stream) => {
  const { namespace, hub } = (await settings()).hub(stream, 'listen');
  return { hub, hubs: new HubDirectory(namespace) };
});

/** The writer of dead letters, shared by all streams. */
const letters = once(async () => lettersOf(await appLake()));

const lettersOf = (lake: Lake): TableAppender =>
  new TableAppender({ at: lake.at(deadLettersTable), fields: letterFields });

const openWriter = async (stream: Stream): Promise<TableWriter> =>
  makeWriter(stream, {
    lake: await appLake(),
    letters: await letters(),
    hubs: (await sourceOf(stream)).hubs,
    settings: await settings(),
    onRound: (report) => logEvent('information', 'round', report),
  });

interface WriterParts extends Pick<TableWriterOptions, 'letters' | 'hubs' | 'onRound'> {
  readonly lake: Lake;
  readonly settings: Settings;
}

/** Makes the writer of a stream's table. A process makes one per table. */
function makeWriter(stream: Stream, { lake, settings, ...parts }: WriterParts): TableWriter {
  const { commitIntervalMs, acceptGaps } = settings;
  return new TableWriter({
    ...parts,
    stream: stream.name,
    rows: new TableAppender({ at: lake.at(stream.table), fields: tableFields(stream) }),
    acceptGaps,
    commitIntervalMs,
    maxBatchEvents: maxTriggerBatch(__dirname, process.env),
  });
}

/** The one writer of a stream's table in this process. */
const writerOf = oncePerKey(openWriter);

/** Tells the other processes about batches that fail in this one. */
const ingestStatus = once(
  () =>
    new IngestStatus({
      store: async () => (await appLake()).store,
      warn: (error) => logEvent('warning', 'ingest-status-not-written', describeFailure(error)),
    }),
);

/** The failures of this process that the lake has no record of. */
export const failuresHere = (): readonly IngestFailure[] => ingestStatus.made()?.unrecorded() ?? [];

/**
 * Writes one trigger batch to the stream's table. If any of its events may be missing there, it logs the error and rejects; the
 * trigger then brings the same batch again, whatever the error was.
 */
export async function ingest(
  stream: Stream,
  bodies: unknown,
  triggerMetadata: IngestOptions['triggerMetadata'],
): Promise<void> {
  const partitionId = partitionIdOf(triggerMetadata);
  try {
    const { hub, hubs } = await sourceOf(stream);
    const writer = await writerOf(stream);
    await ingestBatch({ stream, hub, hubs, writer, bodies, triggerMetadata });
    if (partitionId !== undefined) ingestStatus().succeeded(stream.name, partitionId);
    nudgeWarehouse(stream);
  } catch (error) {
    if (partitionId !== undefined) ingestStatus().failed(stream.name, partitionId, error);
    const where = { stream: stream.name, partition: partitionId };
    logEvent('error', 'batch-failed', { ...where, ...describeFailure(error) });
    throw error;
  }
}

/**
 * Frees a partition that is stuck at an event which the trigger cannot read (see skipUnreadable.ts). The app must not be reading
 * the partition meanwhile.
 * @throws `settings.invalid`, `storage.*`, `hub.*`, and what committing throws
 */
export async function skipEvents(
  stream: Stream,
  partitionId: string,
  { settings, checkpoints }: { settings: Settings; checkpoints: TriggerCheckpoints },
): Promise<Skipped> {
  const { consumerGroup } = settings;
  const { namespace, hub } = settings.hub(stream, 'listen');
  const lake = await openExistingLake(settings);
  const asked = new HubDirectory(namespace);
  try {
    ensureKnown(hub, partitionId, await asked.partitions(hub));
    return await skipUnreadable({
      stream,
      hub,
      partitionId,
      hubs: asked,
      writer: makeWriter(stream, { lake, letters: lettersOf(lake), hubs: asked, settings }),
      committed: async (appId) => (await openState(lake.at(stream.table)))?.txns.get(appId)?.version,
      read: (first, last) => readPartition({ namespace, hub, consumerGroup, partitionId, first, last }),
      move: (event) => checkpoints.move(partitionId, event),
    });
  } finally {
    await asked.close();
  }
}

function ensureKnown(hub: string, partitionId: string, known: readonly string[]): void {
  if (known.includes(partitionId)) return;
  throw new TributaryError(
    'hub.refused',
    `Hub ${hub} has no partition ${partitionId}: expected one of ${known.join(', ')}.`,
  );
}

/** Ends ingestion in this process. Resolves when every batch that a writer received is committed or has failed. */
export async function drainWriters(): Promise<void> {
  await Promise.all([...writerOf.made().values()].map(async (writer) => (await writer).drain()));
}

/** Closes the connections used to ask about hubs. */
export async function closeHubs(): Promise<void> {
  for (const source of sourceOf.made().values()) (await source).hubs.close();
}
