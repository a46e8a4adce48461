import { TributaryError } from '../errors';
import { once } from '../once';
import { type StreamSettings, settings } from '../settings';
import { CoincapClient } from '../sources/coincap/coincapClient';
import { publishAssets } from '../sources/coincap/publishAssets';
import { coincapApiKey, coincapUrl } from '../sources/coincap/settings';
import type { Stream } from '../streams/stream';
import { emit } from './emit';

/** The client that the settings describe. Throws `settings.invalid` if they have no key. */
export function openCoincapClient({ text }: StreamSettings): CoincapClient {
  const apiKey = text(coincapApiKey);
  if (apiKey !== '') return new CoincapClient({ url: new URL(text(coincapUrl)), apiKey });
  throw new TributaryError(
    'settings.invalid',
    'COINCAP_API_KEY is missing: expected a key of the CoinCap API.',
  );
}

const coincapClient = once(async () => openCoincapClient(await settings()));

/** Asks CoinCap for the assets and sends each to the stream's hub. Returns how many the hub accepted. */
export const emitAssets = async (stream: Stream, log: (line: string) => void): Promise<number> =>
  publishAssets({ client: await coincapClient(), send: (events) => emit(stream, events), log });
