import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { type Azurite, startAzurite } from '../../local/azurite';
import { FiguresReader, type StreamFigures } from '../../local/figures';
import {
  type BrokerProcess,
  type HostProcess,
  settingsAt,
  startBrokerProcess,
  startHostProcess,
} from '../../local/processes';
import { loadSimulators, type SimulatorProcess, startSimulator } from '../../local/simulators';
import { openProducer, sendEvents } from '../../src/lib/sources/sendEvents';
import { openAzureBlobStore } from '../../src/lib/storage/azureBlobStore';
import { findStream, loadStreams } from '../../src/lib/streams/loadStreams';
import { type Stream, settingsOf } from '../../src/lib/streams/stream';
import { secretsInLogs } from './secretsIn';

/** The streams whose events come from a simulator. */
export async function simulatedStreams(): Promise<Stream[]> {
  const urlSettings = (await loadSimulators()).map(({ urlSetting }) => urlSetting);
  return (await loadStreams()).filter((stream) =>
    settingsOf(stream).some(({ name }) => urlSettings.includes(name)),
  );
}

/** The settings with which events of the simulated streams are sent every two seconds. */
export async function frequentSchedules(): Promise<Record<string, string>> {
  const names = (await simulatedStreams()).flatMap(settingsOf).map(({ name }) => name);
  const schedules = names.filter((name) => name.endsWith('_SCHEDULE'));
  return Object.fromEntries(schedules.map((name) => [name, '*/2 * * * * *']));
}

/** The parts of the system as separate processes. A test can kill and restart each of them. */
export class LocalStack {
  readonly folder = mkdtempSync(join(tmpdir(), 'tributary-'));
  readonly #logDir = join(this.folder, 'logs');
  readonly hosts = new Map<string, HostProcess>();
  settings: Record<string, string> = {};
  broker!: BrokerProcess;
  #azurite!: Azurite;
  readonly #simulators: SimulatorProcess[] = [];

  async start(settings: Record<string, string> = {}): Promise<void> {
    mkdirSync(this.#logDir);
    this.#azurite = await startAzurite({ dataDir: join(this.folder, 'storage') });
    this.broker = await this.#startBroker(0, 0);
    const sources: Record<string, string> = {};
    for (const simulator of await loadSimulators()) {
      const started = await startSimulator(simulator, { port: 0, logDir: this.#logDir });
      this.#simulators.push(started);
      sources[simulator.urlSetting] = started.url;
    }
    this.settings = {
      ...settingsAt({
        storageConnection: this.#azurite.connectionString,
        brokerPort: this.broker.port,
      }),
      ...sources,
      ...settings,
    };
  }

  /** @param app the app's folder; by default this project */
  async startHost(
    instance: string,
    settings: Record<string, string> = {},
    app?: string,
  ): Promise<HostProcess> {
    const host = await startHostProcess({
      port: 0,
      instance,
      settings: { ...this.settings, ...settings },
      logDir: this.#logDir,
      ...(app !== undefined && { app }),
    });
    this.hosts.set(instance, host);
    return host;
  }

  async killHost(instance: string): Promise<void> {
    const host = this.hosts.get(instance);
    this.hosts.delete(instance);
    host?.kill('SIGKILL');
    await host?.exited;
  }

  /** Ends a host in an orderly way. */
  async stopHost(instance: string): Promise<void> {
    const host = this.hosts.get(instance);
    this.hosts.delete(instance);
    await host?.stop();
  }

  async restartBroker(): Promise<void> {
    this.broker.kill('SIGKILL');
    await this.broker.exited;
    this.broker = await this.#startBroker(this.broker.port, Number(new URL(this.broker.healthUrl).port));
  }

  /**
   * Ends and starts Azurite. It is not killed, because it saves its index only every few seconds and would lose acknowledged data.
   */
  async restartStorage(): Promise<void> {
    const { blobPort } = this.#azurite;
    await this.#azurite.close();
    this.#azurite = await startAzurite({ dataDir: join(this.folder, 'storage'), blobPort });
  }

  async figures(stream: string): Promise<StreamFigures> {
    const { table, hubSetting } = (await findStream(stream)) ?? { table: '', hubSetting: '' };
    const store = await openAzureBlobStore({ connectionString: this.settings.LakeStorage ?? '' }, 'lake');
    const hub = this.settings[hubSetting] ?? '';
    return new FiguresReader({ brokerUrl: this.broker.healthUrl, hub, at: { store, table } }).read();
  }

  /** Sends clicks on nine products, spread over the partitions. */
  async sendClicks(count: number): Promise<void> {
    const producer = openProducer(
      { connectionString: this.settings.EventHubConnection ?? '' },
      'clickstream',
    );
    const events = Array.from({ length: count }, (_, n) => ({
      body: { productid: 1 + (n % 9) },
      partitionKey: String(n),
    }));
    const sent = await sendEvents(producer, events);
    await producer.close();
    if (sent !== count) throw new Error(`${sent} of ${count} clicks were sent.`);
  }

  /** Runs a compiled command with the settings of the stack; resolves to what it printed. */
  async command(name: string, ...args: string[]): Promise<string> {
    const file = join(this.folder, 'settings.json');
    writeFileSync(file, JSON.stringify({ Values: this.settings }));
    const argv = [resolve(`dist/src/cli/${name}.js`), ...args, '--settings', file];
    return (await promisify(execFile)(process.execPath, argv)).stdout;
  }

  /** All output of a host. */
  log(instance: string): string {
    return readFileSync(join(this.#logDir, `${instance}.log`), 'utf8');
  }

  /** The totals of all rounds of a host, from its log lines. */
  roundTotals(instance: string): { rows: number; duplicates: number } {
    const log = this.log(instance);
    const total = (what: string) =>
      [...log.matchAll(new RegExp(`"event":"round".*"${what}":(\\d+)`, 'g'))].reduce(
        (sum, [, count]) => sum + Number(count),
        0,
      );
    return { rows: total('rows'), duplicates: total('duplicates') };
  }

  /** Ends all processes, and fails if one of them wrote a key or a password into its log. */
  async stop(): Promise<void> {
    for (const host of this.hosts.values()) await host.stop();
    for (const simulator of this.#simulators) await simulator.stop();
    await this.broker?.stop();
    await this.#azurite?.close();
    const secrets = this.broker ? secretsInLogs(this.#logDir, this.settings) : [];
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 });
    if (secrets.length > 0) throw new Error(secrets.join('\n'));
  }

  #startBroker(port: number, healthPort: number): Promise<BrokerProcess> {
    return startBrokerProcess({
      port,
      healthPort,
      dataDir: join(this.folder, 'broker'),
      logDir: this.#logDir,
    });
  }
}
