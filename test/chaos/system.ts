import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Azurite, startAzurite } from '../../local/azurite';
import { type BrokerProcess, settingsAt, startBrokerProcess } from '../../local/processes';
import type { Random } from '../../src/lib/sources/seededRandom';
import { disabledFunctions, disabledSources } from '../kit/disabledFunctions';
import { type FaultProxy, type HeldWrites, startFaultProxy } from '../kit/faultProxy';
import type { TdsServer } from '../kit/tds/tdsServer';
import { type HostName, Hosts, hostNames } from './hosts';
import { startWarehouse } from './warehouse';

export { type HostName, hostNames } from './hosts';

/** Ids of the partitions that each host reads; none for a host that does not answer. */
export type ReadPartitions = Readonly<Record<HostName, readonly string[]>>;

/** Whether both hosts read partitions. Before that, commits of one host meet no rival. */
export const bothRead = (read: ReadPartitions): boolean => hostNames.every((name) => read[name].length > 0);

export const victims = [...hostNames, 'both hosts', 'broker'] as const;
export type Victim = (typeof victims)[number];

/** The functions that ingest what the producers send. */
const checkedIngests: ReadonlySet<string> = new Set(['ingestClickstream', 'ingestCoincap']);

/**
 * The system as separate processes: broker, storage behind a proxy that injects faults, a SQL pool, two hosts in one consumer
 * group.
 */
export class ChaosSystem {
  readonly proxy: FaultProxy;
  /** The SQL pool that both hosts load. */
  readonly warehouse: TdsServer;
  /** The app's settings for the hosts: they reach the storage through the proxy. */
  readonly hostSettings: Readonly<Record<string, string>>;
  /** The same settings without the proxy, for the checks. */
  readonly settings: Readonly<Record<string, string>>;
  /** The folder of the logs of all processes. */
  readonly logDir: string;
  readonly #azurite: Azurite;
  readonly #folder: string;
  #broker: BrokerProcess;
  readonly #hosts: Hosts;

  private constructor(
    folder: string,
    azurite: Azurite,
    proxy: FaultProxy,
    warehouse: TdsServer,
    broker: BrokerProcess,
    groupRandom: Random | undefined,
  ) {
    this.#folder = folder;
    this.logDir = join(folder, 'logs');
    this.#azurite = azurite;
    this.proxy = proxy;
    this.warehouse = warehouse;
    this.#broker = broker;
    const settingsWith = (storageConnection: string) => ({
      ...settingsAt({ storageConnection, brokerPort: broker.port }),
      COMMIT_INTERVAL: '100ms',
      WAREHOUSE: warehouse.connectionString,
      // Only the producers send events, and only their streams are checked.
      ...disabledSources(),
      ...disabledFunctions((name) => name.startsWith('ingest') && !checkedIngests.has(name)),
    });
    this.settings = settingsWith(azurite.connectionString);
    this.hostSettings = settingsWith(
      azurite.connectionString.replace(`:${azurite.blobPort}/`, `:${proxy.port}/`),
    );
    this.#hosts = new Hosts({ folder, logDir: this.logDir, settings: this.hostSettings, groupRandom });
  }

  /** @param groupRandom given, each host is a process for each scale group, and this decides which of them is killed */
  static async start(
    folder: string,
    random: Random,
    warehouseRandom: Random,
    groupRandom?: Random,
  ): Promise<ChaosSystem> {
    const logDir = join(folder, 'logs');
    mkdirSync(logDir, { recursive: true });
    const azurite = await startAzurite({ dataDir: join(folder, 'storage') });
    const proxy = await startFaultProxy({
      targetPort: azurite.blobPort,
      random,
      // Only the app's own writes may be late, because they have a deadline to miss; the host's writes have none.
      lateUrl: /^\/[^/]+\/lake\//,
    });
    const warehouse = await startWarehouse(azurite.connectionString, warehouseRandom);
    const dataDir = join(folder, 'broker');
    const broker = await startBrokerProcess({ port: 0, healthPort: 0, dataDir, logDir });
    const system = new ChaosSystem(folder, azurite, proxy, warehouse, broker, groupRandom);
    try {
      await system.startHosts();
    } catch (error) {
      await system.stop();
      throw error;
    }
    return system;
  }

  /** Kills processes with SIGKILL. Resolves when they run again, to what was killed. */
  async kill(victim: Victim): Promise<string> {
    if (victim === 'broker') {
      this.#broker.kill('SIGKILL');
      await this.#broker.exited;
      this.#broker = await startBrokerProcess({
        port: this.#broker.port,
        healthPort: Number(new URL(this.#broker.healthUrl).port),
        dataDir: join(this.#folder, 'broker'),
        logDir: this.logDir,
      });
      return victim;
    }
    const group = await this.#hosts.kill(victim === 'both hosts' ? hostNames : [victim]);
    return group === '' ? victim : `${group} of ${victim}`;
  }

  /** Says how often each scale group was killed; undefined if each host is one process. */
  get groupsKilled(): string | undefined {
    return this.#hosts.groupsKilled;
  }

  /** A line for each process of a host that ended by itself. */
  get problems(): readonly string[] {
    return this.#hosts.problems;
  }

  /** The URL of a host's API; undefined while the host is down. */
  hostUrl(name: HostName): string | undefined {
    return this.#hosts.url(name);
  }

  /** The last sequence number of each partition of a hub, -1 where it is empty. */
  async lastSequenceNumbers(hub: string): Promise<number[]> {
    const reply = await fetch(`${this.#broker.healthUrl}/stats`, { signal: AbortSignal.timeout(10_000) });
    const stats = (await reply.json()) as { hubs: Record<string, { partitions: { last: number }[] }> };
    return (stats.hubs[hub]?.partitions ?? []).map(({ last }) => last);
  }

  /** Sets the clock of a host ahead, or right again with 0. A host that starts meanwhile has this clock too. */
  setClockAhead(name: HostName, aheadMs: number): void {
    this.#hosts.setClockAhead(name, aheadMs);
  }

  /** The process of a host that ingests. */
  pidOf(name: HostName): number {
    const host = this.#hosts.ingesting(name);
    if (!host) throw new Error(`Host ${name} does not run.`);
    return host.pid;
  }

  /** The partitions that each host says it reads. */
  async readPartitions(): Promise<ReadPartitions> {
    const [one, two] = await Promise.all(
      hostNames.map((name) => readPartitionsAt(this.#hosts.ingesting(name)?.url).catch(() => [])),
    );
    return { one: one ?? [], two: two ?? [] };
  }

  /** Waits until the read partitions satisfy a condition. Resolves to false if the time is over before. */
  async untilReading(isSo: (read: ReadPartitions) => boolean, limitMs: number): Promise<boolean> {
    const giveUpAt = Date.now() + limitMs;
    while (!isSo(await this.readPartitions())) {
      if (Date.now() > giveUpAt) return false;
      await sleep(100);
    }
    return true;
  }

  /** Holds writes of the hosts back until they are released. Resolves when each host has one under way, or the time is over. */
  async holdWrites(url: RegExp, limitMs: number): Promise<HeldWrites> {
    const held = this.proxy.hold(url);
    const giveUpAt = Date.now() + limitMs;
    while (held.count < hostNames.length && Date.now() < giveUpAt) await sleep(20);
    return held;
  }

  startHosts(): Promise<void> {
    return this.#hosts.start();
  }

  /** Ends the hosts in order. Returns a line for each that did not end cleanly. */
  stopHosts(): Promise<string[]> {
    return this.#hosts.stop();
  }

  async stop(): Promise<void> {
    await this.stopHosts();
    await this.#broker.stop();
    await this.warehouse.close();
    await this.proxy.close();
    await this.#azurite.close();
  }
}

/** The partitions that a host reads; none if it does not answer within a second, because it is frozen then. */
async function readPartitionsAt(url: string | undefined): Promise<readonly string[]> {
  const reply = await fetch(`${url}/admin/host/status`, { signal: AbortSignal.timeout(1000) });
  const { eventHubs } = (await reply.json()) as { eventHubs?: Record<string, { partitions?: string[] }> };
  return eventHubs?.ingestClickstream?.partitions ?? [];
}
