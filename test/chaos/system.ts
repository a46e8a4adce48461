import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Azurite, startAzurite } from '../../local/azurite';
import { type FaultProxy, startFaultProxy } from '../../local/faultProxy';
import {
  type BrokerProcess,
  type HostProcess,
  settingsAt,
  startBrokerProcess,
  startHostProcess,
} from '../../local/processes';
import type { Random } from '../../src/lib/sources/seededRandom';
import type { TdsServer } from '../tds/tdsServer';
import { startWarehouse } from './warehouse';

/** Starts of a host that storage faults may spoil before something else must be wrong. */
const startAttempts = 10;

const shareLimitMs = 60_000;

export const hostNames = ['one', 'two'] as const;
type HostName = (typeof hostNames)[number];

export const victims = [...hostNames, 'both hosts', 'broker'] as const;
export type Victim = (typeof victims)[number];

/** The system as separate processes: broker, storage behind a proxy that injects faults, a SQL pool, two hosts in one consumer group. */
export class ChaosSystem {
  readonly proxy: FaultProxy;
  /** What both hosts load. */
  readonly warehouse: TdsServer;
  /** The app's settings as the hosts have them: storage only through the proxy. */
  readonly hostSettings: Readonly<Record<string, string>>;
  /** The same with storage as it is, for those who judge. */
  readonly settings: Readonly<Record<string, string>>;
  readonly #logDir: string;
  readonly #azurite: Azurite;
  readonly #folder: string;
  #broker: BrokerProcess;
  readonly #hosts = new Map<string, HostProcess>();

  private constructor(
    folder: string,
    azurite: Azurite,
    proxy: FaultProxy,
    warehouse: TdsServer,
    broker: BrokerProcess,
  ) {
    this.#folder = folder;
    this.#logDir = join(folder, 'logs');
    this.#azurite = azurite;
    this.proxy = proxy;
    this.warehouse = warehouse;
    this.#broker = broker;
    const settingsWith = (storageConnection: string) => ({
      ...settingsAt({ storageConnection, brokerPort: broker.port, coincapUrl: 'http://127.0.0.1:9' }),
      COMMIT_INTERVAL: '100ms',
      WAREHOUSE: warehouse.connectionString,
      // Only the producer may send, and only the clickstream is looked at.
      'AzureWebJobs.emitClickstream.Disabled': 'true',
      'AzureWebJobs.emitCoincap.Disabled': 'true',
      'AzureWebJobs.ingestCoincap.Disabled': 'true',
    });
    this.settings = settingsWith(azurite.connectionString);
    this.hostSettings = settingsWith(
      azurite.connectionString.replace(`:${azurite.blobPort}/`, `:${proxy.port}/`),
    );
  }

  static async start(folder: string, random: Random, warehouseRandom: Random): Promise<ChaosSystem> {
    const logDir = join(folder, 'logs');
    mkdirSync(logDir, { recursive: true });
    const azurite = await startAzurite({ dataDir: join(folder, 'storage') });
    const proxy = await startFaultProxy({ targetPort: azurite.blobPort, random });
    const warehouse = await startWarehouse(azurite.connectionString, warehouseRandom);
    const dataDir = join(folder, 'broker');
    const broker = await startBrokerProcess({ port: 0, healthPort: 0, dataDir, logDir });
    const system = new ChaosSystem(folder, azurite, proxy, warehouse, broker);
    try {
      await Promise.all(hostNames.map((name) => system.#startHost(name)));
    } catch (error) {
      await system.stop();
      throw error;
    }
    return system;
  }

  /** Kills with SIGKILL. Resolves when all that was killed runs again. */
  async kill(victim: Victim): Promise<void> {
    if (victim === 'broker') {
      this.#broker.kill('SIGKILL');
      await this.#broker.exited;
      this.#broker = await startBrokerProcess({
        port: this.#broker.port,
        healthPort: Number(new URL(this.#broker.healthUrl).port),
        dataDir: join(this.#folder, 'broker'),
        logDir: this.#logDir,
      });
      return;
    }
    const names = victim === 'both hosts' ? hostNames : [victim];
    const killed = names.map((name) => ({ name, host: this.#hosts.get(name) }));
    for (const { name, host } of killed) {
      host?.kill('SIGKILL');
      this.#hosts.delete(name);
    }
    await Promise.all(
      killed.map(async ({ name, host }) => {
        await host?.exited;
        await this.#startHost(name);
      }),
    );
  }

  /** Where a host's API is; undefined while it is killed. */
  hostUrl(name: HostName): string | undefined {
    return this.#hosts.get(name)?.url;
  }

  /** The last sequence number of each partition of a hub, -1 where it is empty. */
  async lastSequenceNumbers(hub: string): Promise<number[]> {
    const reply = await fetch(`${this.#broker.healthUrl}/stats`, { signal: AbortSignal.timeout(10_000) });
    const stats = (await reply.json()) as { hubs: Record<string, { partitions: { last: number }[] }> };
    return (stats.hubs[hub]?.partitions ?? []).map(({ last }) => last);
  }

  /** Resolves when both hosts read partitions: until then one host's commits meet no rival. */
  async untilBothRead(): Promise<void> {
    const giveUpAt = Date.now() + shareLimitMs;
    for (const [name, host] of this.#hosts) {
      for (;;) {
        const reply = await fetch(`${host.url}/admin/host/status`, { signal: AbortSignal.timeout(10_000) });
        const { eventHubs } = (await reply.json()) as {
          eventHubs?: Record<string, { partitions?: string[] }>;
        };
        if ((eventHubs?.ingestClickstream?.partitions ?? []).length > 0) break;
        if (Date.now() > giveUpAt)
          throw new Error(
            `Host ${name} reads no partition after ${shareLimitMs / 1000} s; see ${this.#logDir}.`,
          );
        await sleep(200);
      }
    }
  }

  /** Events that came to the hosts again, and that they left out, as their log lines say. */
  trimmedEvents(): number {
    const logs = hostNames.map((name) => readFileSync(join(this.#logDir, `${name}.log`), 'utf8'));
    const found = logs.join('').matchAll(/"event":"round".*"duplicates":(\d+)/g);
    return [...found].reduce((sum, [, duplicates]) => sum + Number(duplicates), 0);
  }

  /** Ends the hosts in order. Returns a line for each that did not end cleanly. */
  async stopHosts(): Promise<string[]> {
    const ends = [...this.#hosts].map(async ([name, host]) => ({ name, code: await host.stop() }));
    this.#hosts.clear();
    return (await Promise.all(ends))
      .filter(({ code }) => code !== 0)
      .map(({ name, code }) => `Host ${name} did not end cleanly (${code}); see ${this.#logDir}.`);
  }

  async stop(): Promise<void> {
    await this.stopHosts();
    await this.#broker.stop();
    await this.warehouse.close();
    await this.proxy.close();
    await this.#azurite.close();
  }

  async #startHost(name: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        const settings = this.hostSettings;
        const options = { port: 0, instance: name, settings, logDir: this.#logDir, startLimitMs: 20_000 };
        const host = await startHostProcess(options);
        this.#hosts.set(name, host);
        return;
      } catch (error) {
        if (attempt === startAttempts) throw error;
      }
    }
  }
}
