import { ClicksApi } from './api/clicksApi';
import { Counts } from './counts/counts';
import { ProductNames } from './counts/productNames';
import type { TableLocation } from './delta/log';
import { TableAppender } from './delta/tableAppender';
import { describeFailure, TributaryError } from './errors';
import { FailureReader } from './health/failureReader';
import { composeHealth, type Health } from './health/health';
import { deadLettersTable, letterFields } from './ingest/deadLetters';
import { HubDirectory } from './ingest/hubDirectory';
import { type IngestOptions, ingestBatch } from './ingest/ingestBatch';
import { IngestStatus } from './ingest/ingestStatus';
import { tableFields } from './ingest/rowAddress';
import { TableWriter } from './ingest/tableWriter';
import { partitionIdOf } from './ingest/triggerBatch';
import { isFullPassDue, maintainTables } from './maintenance/maintainTables';
import { settings } from './settings';
import { createClickSimulator } from './sources/clickSimulator';
import { CoincapClient } from './sources/coincapClient';
import { publishAssets } from './sources/publishAssets';
import { type OutgoingEvent, openProducer, sendEvents } from './sources/sendEvents';
import { openAzureBlobStore } from './storage/azureBlobStore';
import { clickstream, countedClicks } from './streams/clickstream';
import { coincap } from './streams/coincap';
import { loadStreams } from './streams/loadStreams';
import type { Stream } from './streams/stream';
import { StreamLoaders } from './warehouse/streamLoaders';
import { containerUrl } from './warehouse/synapse/lakeUrl';

/*
 * What lives as long as the process, made when it is first needed: the host gives a function app seconds to start, and
 * wrong settings must fail a function, not the loading of all of them.
 */

interface Once<T> {
  (): T;
  /** Undefined as long as nobody asked for it. */
  made(): T | undefined;
}

function once<T>(make: () => T): Once<T> {
  let made: { value: T } | undefined;
  const get = () => {
    if (!made) {
      const mine = { value: make() };
      made = mine;
      // What failed is made again when it is needed again.
      if (mine.value instanceof Promise)
        mine.value.catch(() => {
          if (made === mine) made = undefined;
        });
    }
    return made.value;
  };
  return Object.assign(get, { made: () => made?.value });
}

const lake = once(() => openAzureBlobStore(settings().lake, settings().lakeContainer));

/** Where a Delta table of the lake is. */
const tableLocation = async (table: string): Promise<TableLocation> => ({
  store: await lake(),
  table,
});

const hubs = once(() => new HubDirectory(settings().eventHubs));

const writers = new Map<string, Promise<TableWriter>>();

/** The one writer of a stream's table in this process. */
function writerOf(stream: Stream): Promise<TableWriter> {
  let writer = writers.get(stream.table);
  if (!writer) {
    writer = openWriter(stream);
    writer.catch(() => writers.delete(stream.table));
    writers.set(stream.table, writer);
  }
  return writer;
}

/** Shared by all streams. */
const letters = once(
  async () => new TableAppender({ at: await tableLocation(deadLettersTable), fields: letterFields }),
);

async function openWriter(stream: Stream): Promise<TableWriter> {
  const { commitIntervalMs, acceptGaps } = settings();
  return new TableWriter({
    stream: stream.name,
    rows: new TableAppender({ at: await tableLocation(stream.table), fields: tableFields(stream) }),
    ownColumns: stream.columns.length,
    letters: await letters(),
    hubs: hubs(),
    acceptGaps,
    commitIntervalMs,
    onRound: (report) => console.log(JSON.stringify({ event: 'round', ...report })),
  });
}

/** What the other processes learn of this one's failing batches. */
const ingestStatus = once(
  () =>
    new IngestStatus({
      store: lake,
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
    const hub = settings().hub(stream.hubSetting);
    const writer = await writerOf(stream);
    await ingestBatch({ stream, hub, hubs: hubs(), writer, bodies, triggerMetadata });
    if (partition !== undefined) ingestStatus().succeeded(stream.name, partition);
    nudgeWarehouse(stream);
  } catch (error) {
    if (partition !== undefined) ingestStatus().failed(stream.name, partition, error);
    const where = { stream: stream.name, partition };
    console.error(JSON.stringify({ event: 'batch-failed', ...where, ...describeFailure(error) }));
    throw error;
  }
}

/** Resolves when every batch that was handed to a writer is committed or failed. */
export async function drainWriters(): Promise<void> {
  await Promise.all([...writers.values()].map(async (writer) => (await writer).drain()));
}

/** The click counts of this process. Maintenance has them save their cached state. */
export const clickCounts = once(
  async () =>
    new Counts({
      at: await tableLocation(clickstream.table),
      counted: countedClicks,
      refreshMs: settings().countsRefreshMs,
    }),
);

export const clicksApi = once(
  async () => new ClicksApi({ counts: await clickCounts(), names: new ProductNames(await lake()) }),
);

const clickSimulator = once(() => createClickSimulator());

const send = (stream: Stream, events: readonly OutgoingEvent[]): Promise<number> =>
  sendEvents(openProducer(settings().eventHubs, settings().hub(stream.hubSetting)), events);

/** Sends the clicks since the last call. Returns how many the hub accepted. */
export async function emitClicks(): Promise<number> {
  const clicks = clickSimulator().tick(Date.now(), settings().clicksPerSecond);
  return send(
    clickstream,
    clicks.map((click) => ({ body: click, partitionKey: String(click.sessionid) })),
  );
}

const coincapClient = once(() => {
  const { url, apiKey } = settings().coincap;
  if (apiKey !== undefined) return new CoincapClient({ url, apiKey });
  throw new TributaryError(
    'settings.invalid',
    'COINCAP_API_KEY is missing: expected a key of the CoinCap API.',
  );
});

/** Asks CoinCap for the assets and sends each. Returns how many the hub accepted. */
export const emitAssets = (log: (line: string) => void): Promise<number> =>
  publishAssets({ client: coincapClient(), send: (events) => send(coincap, events), log });

/** Below the function's time limit, by as long as a request to a silent store may still take. */
const maintenanceLimitMs = 210_000;

/** One pass of maintenance over every table there is. */
export async function maintain(): Promise<void> {
  const names = [...(await loadStreams()).map(({ table }) => table), deadLettersTable];
  try {
    await maintainTables({
      tables: await Promise.all(names.map(tableLocation)),
      isFull: isFullPassDue(new Date()),
      limitMs: maintenanceLimitMs,
      report: (report) => console.log(JSON.stringify({ event: 'maintenance', ...report })),
    });
  } finally {
    await saveCounts();
  }
}

/** Only a cache: where it cannot be written, a new instance counts the files. */
async function saveCounts(): Promise<void> {
  try {
    await (await clickCounts()).save();
  } catch (error) {
    console.warn(JSON.stringify({ event: 'counts-not-saved', ...describeFailure(error) }));
  }
}

const loaders = once(
  async () =>
    new StreamLoaders({
      setting: settings().warehouse,
      streams: await loadStreams(),
      at: tableLocation,
      staging: async () => {
        const store = await lake();
        const url = containerUrl(settings().lake, settings().lakeContainer);
        return { store, urlOf: (path) => `${url}/${path}` };
      },
      onLoad: (report) => console.log(JSON.stringify({ event: 'load', ...report })),
      warn: (message) => console.warn(message),
    }),
);

/** Has a stream's new rows loaded into the warehouse soon. Returns at once: ingestion never waits for the warehouse. */
function nudgeWarehouse(stream: Stream): void {
  loaders().then(
    (all) => all.nudge(stream),
    (error) =>
      console.warn(JSON.stringify({ event: 'load-failed', stream: stream.name, ...describeFailure(error) })),
  );
}

/** A load that is under way then has half as long again, which is still below the function's time limit. */
const syncLimitMs = 180_000;

/** Loads what is missing in the warehouse. A failure is logged, and shows in the health. */
export const syncWarehouse = async (): Promise<void> => (await loaders()).catchUp(syncLimitMs);

const failureReader = once(() => new FailureReader({ store: lake }));

/** How the app is, whichever of its processes is asked. */
export const readHealth = async (): Promise<Health> =>
  composeHealth({
    streams: await loadStreams(),
    failures: () => failureReader().read(),
    warehouse: async () => (await loaders()).health(),
  });

/** Ends the loads, and the connections of this process. */
export async function closeConnections(): Promise<void> {
  hubs.made()?.close();
  await (await loaders.made())?.close();
}
