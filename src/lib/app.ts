import { ClickCounts } from './counts/clickCounts';
import type { TableLocation } from './delta/log';
import { TableAppender } from './delta/tableAppender';
import { TributaryError } from './errors';
import { deadLettersTable, letterFields } from './ingest/deadLetters';
import { HubDirectory } from './ingest/hubDirectory';
import { tableFields } from './ingest/rowAddress';
import { TableWriter } from './ingest/tableWriter';
import { settings } from './settings';
import { createClickSimulator } from './sources/clickSimulator';
import { CoincapClient } from './sources/coincapClient';
import { publishAssets } from './sources/publishAssets';
import { type OutgoingEvent, openProducer, sendEvents } from './sources/sendEvents';
import { openAzureBlobStore } from './storage/azureBlobStore';
import { clickstream } from './streams/clickstream';
import { coincap } from './streams/coincap';
import type { Stream } from './streams/stream';

/*
 * What lives as long as the process, made when it is first needed: the host gives a function app seconds to start, and
 * wrong settings must fail a function, not the loading of all of them.
 */

const once = <T>(make: () => T): (() => T) => {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
};

const lake = once(() => openAzureBlobStore(settings().lake, settings().lakeContainer));

/** Where a Delta table of the lake is. */
export const tableLocation = async (table: string): Promise<TableLocation> => ({
  store: await lake(),
  table,
});

export const hubs = once(() => new HubDirectory(settings().eventHubs));

const writers = new Map<string, Promise<TableWriter>>();

/** The one writer of a stream's table in this process. */
export function writerOf(stream: Stream): Promise<TableWriter> {
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

/** Resolves when every batch that was handed to a writer is committed or failed. */
export async function drainWriters(): Promise<void> {
  await Promise.all([...writers.values()].map(async (writer) => (await writer).drain()));
}

export const clickCounts = once(async () => new ClickCounts(await tableLocation(clickstream.table)));

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
