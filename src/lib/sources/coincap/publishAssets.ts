import type { OutgoingEvent } from '../sendEvents';
import type { CoincapAnswer } from './coincapClient';

export interface PublishAssetsOptions {
  readonly client: { fetchAssets(): Promise<CoincapAnswer> };
  /** Returns how many events were accepted. */
  readonly send: (events: readonly OutgoingEvent[]) => Promise<number>;
  readonly log: (line: string) => void;
  /** True to send all assets as one event whose body is an array, instead of an event for each. */
  readonly asArray?: boolean;
  /** Milliseconds since 1970; by default the clock. */
  readonly now?: () => number;
}

/**
 * Polls the assets once and sends each as an event. The partition key is the asset's id, so that its prices keep their order.
 * Returns how many assets the hub accepted; 0 while the API wants us to wait. Throws what `fetchAssets` and `sendEvents` throw.
 */
export async function publishAssets(options: PublishAssetsOptions): Promise<number> {
  const { client, send, log, asArray = false, now = Date.now } = options;
  const answer = await client.fetchAssets();
  if ('waitUntilMs' in answer) {
    log(`CoinCap wants no requests before ${new Date(answer.waitUntilMs).toISOString()}; nothing was sent.`);
    return 0;
  }
  const { assets } = answer;
  const accepted = asArray ? await sendArray(assets, send) : await send(assets.map(toEvent));
  log(`Coins sent to EventHub: ${accepted}`);
  log(`Data Published at: ${formatPublished(now())}`);
  return accepted;
}

type Asset = Exclude<CoincapAnswer, { waitUntilMs: number }>['assets'][number];

/**
 * The event for one asset. An element that has no id, or is no asset at all, is sent too. It becomes a dead letter, which tells more than a
 * log line.
 */
const toEvent = (asset: Asset): OutgoingEvent => ({ body: asset, partitionKey: idOf(asset) });

/** Sends all assets as one array. All arrays have the same partition key, so the prices of an asset keep their order. */
async function sendArray(assets: readonly Asset[], send: PublishAssetsOptions['send']): Promise<number> {
  // An array without elements would become a dead letter, so it is not sent.
  if (assets.length === 0) return 0;
  const accepted = await send([{ body: assets, partitionKey: 'assets' }]);
  return accepted * assets.length;
}

function idOf(asset: Asset): string {
  const id = typeof asset === 'object' && asset !== null && 'id' in asset ? asset.id : undefined;
  return typeof id === 'string' ? id : '';
}

/** A time in UTC with six digits after the second, like `2023-03-30 15:51:33.124567`. The clock only knows three of them. */
const formatPublished = (ms: number): string =>
  new Date(ms).toISOString().replace('T', ' ').replace('Z', '000');
