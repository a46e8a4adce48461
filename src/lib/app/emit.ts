import { TributaryError } from '../errors';
import { once } from '../once';
import { settings } from '../settings';
import { createClickSimulator } from '../sources/clickSimulator';
import { CoincapClient } from '../sources/coincapClient';
import { publishAssets } from '../sources/publishAssets';
import { type OutgoingEvent, openProducer, sendEvents } from '../sources/sendEvents';
import { clickstream } from '../streams/clickstream';
import { coincap } from '../streams/coincap';
import type { Stream } from '../streams/stream';

/** Sends events to a stream's hub. Returns how many it accepted. */
const send = (stream: Stream, events: readonly OutgoingEvent[]): Promise<number> =>
  sendEvents(openProducer(settings().eventHubs, settings().hub(stream.hubSetting)), events);

const clickSimulator = once(() => createClickSimulator());

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
