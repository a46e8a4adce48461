import { setTimeout as sleep } from 'node:timers/promises';
import { hubSettings } from '../../local/hubs';
import { parseSettings } from '../../src/lib/settings';
import { type Random, seededRandom } from '../../src/lib/sources/seededRandom';
import { findStream } from '../../src/lib/streams/loadStreams';
import type { MadeEvent } from './bodies';
import { comparePrices, type PricesAnswer, priceText } from './comparePrices';
import { Producer } from './producer';
import { type ChaosSystem, type HostName, hostNames } from './system';

/** The stream whose newest rows GET /api/assets tells. A project may have removed it. */
const streamName = 'coincap';
/** A few, because the run is about the clicks. */
const eventsPerSecond = 5;
const assetsPerEvent = 10;
/** Milliseconds between the times of two events: none has the time of another. */
const stepMs = 100;
const nullPrices = 0.1;
const askEveryMs = 250;
const askLimitMs = 10_000;

export interface AssetsOptions {
  readonly system: ChaosSystem;
  readonly seed: number;
  /** The folder for temporary files. */
  readonly folder: string;
}

/** Sends assets to their hub, and meanwhile asks each host that lives for the newest prices, again and again. */
export class Assets {
  readonly #options: AssetsOptions;
  readonly #table: string;
  readonly #producer: Producer;
  readonly #answers: PricesAnswer[] = [];
  readonly #stopping = new AbortController();
  readonly #asking: Promise<unknown>;

  private constructor(options: AssetsOptions, table: string, producer: Producer) {
    this.#options = options;
    this.#table = table;
    this.#producer = producer;
    this.#asking = Promise.all(hostNames.map((name) => this.#ask(name)));
  }

  /** Undefined if the project has no such stream. */
  static async start(options: AssetsOptions): Promise<Assets | undefined> {
    const stream = await findStream(streamName);
    if (!stream?.latest) return undefined;
    const { namespace, hub } = parseSettings({ ...(await hubSettings()), ...options.system.settings }).hub(
      stream,
      'send',
    );
    const bodies = new AssetMaker(seededRandom(options.seed));
    return new Assets(
      options,
      stream.table,
      await Producer.start({ namespace, hub, bodies, eventsPerSecond }),
    );
  }

  /** Sends no more. Resolves when the last batch has ended. */
  stopSending(): Promise<void> {
    return this.#producer.stop();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([this.#asking, this.stopSending()]);
  }

  /** Ends asking, and compares each answer with the lake at the version that it names. Returns the problems. */
  async judge(log: (line: string) => void): Promise<string[]> {
    await this.stop();
    const { system, folder } = this.#options;
    const { LakeStorage: storageConnection = '' } = system.settings;
    const [table, answers] = [this.#table, this.#answers];
    const problems = await comparePrices({ storageConnection, table, answers, folder });
    const versions = new Set(answers.map(({ version }) => version)).size;
    const counts = hostNames.map((name) => answers.filter(({ host }) => host === name).length);
    log(
      `assets: ${counts.join(' and ')} answers of the hosts were compared with DuckDB at ${versions} versions, ` +
        `${problems.length === 0 ? 'all' : 'not all'} with its prices`,
    );
    for (const [index, name] of hostNames.entries())
      if (counts[index] === 0) problems.push(`Host ${name}: it told no prices of assets.`);
    return problems;
  }

  async #ask(host: HostName): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await sleep(askEveryMs, undefined, { signal }).catch(() => {});
      const answer = await readPrices(this.#options.system.hostUrl(host)).catch(() => undefined);
      if (answer) this.#answers.push({ host, ...answer });
    }
  }
}

/** Undefined if there are no prices yet, or none can be told now. */
async function readPrices(url: string | undefined): Promise<Omit<PricesAnswer, 'host'> | undefined> {
  const reply = await fetch(`${url}/api/assets`, { signal: AbortSignal.timeout(askLimitMs) });
  const { version, assets = [] } = (await reply.json()) as {
    readonly version: number;
    readonly assets?: readonly { id: string; priceUsd: number | null; runtime_timestamp: string }[];
  };
  if (!reply.ok || assets.length === 0) return undefined;
  const prices = assets.map(
    ({ id, priceUsd, runtime_timestamp }) =>
      [id, priceText(priceUsd, Date.parse(runtime_timestamp))] as const,
  );
  return { version, prices: new Map(prices) };
}

/** Makes the bodies of events with some assets each, of which every second one has an older price than the one before it. */
export class AssetMaker {
  readonly #random: Random;
  readonly #startedAt = Date.now();
  #made = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  make(): MadeEvent {
    const id = this.#made++;
    // The times of each two consecutive events are exchanged.
    const timestamp = this.#startedAt + (id ^ 1) * stepMs;
    const assets = Array.from({ length: assetsPerEvent }, (_, asset) => ({
      id: `asset-${asset}`,
      rank: String(asset + 1),
      symbol: `A${asset}`,
      name: `Asset ${asset}`,
      priceUsd: this.#random() < nullPrices ? null : String(this.#random() * 1000),
      timestamp,
    }));
    return { id, body: Buffer.from(JSON.stringify(assets)) };
  }
}
