import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Azurite, startAzurite } from '../../local/azurite';
import type { Child } from '../../local/childProcess';
import { type HostProcess, settingsAt, startBrokerProcess, startHostProcess } from '../../local/processes';
import { openAzureBlobStore } from '../../src/lib/storage/azureBlobStore';
import type { ObjectStore } from '../../src/lib/storage/objectStore';
import { disabledSources } from '../kit/disabledFunctions';

/** The compiled app in a real host over Azurite, with sources that send nothing of their own. */
export class ClicksApp {
  readonly #folder = mkdtempSync(join(tmpdir(), 'tributary-'));
  readonly #logDir = join(this.#folder, 'logs');
  #azurite: Azurite | undefined;
  #broker: Child | undefined;
  #host: HostProcess | undefined;
  #settings: Record<string, string> = {};
  #hosts = 0;

  get url(): string {
    return this.#host?.url ?? '';
  }

  async start(settings: Record<string, string> = {}): Promise<ObjectStore> {
    mkdirSync(this.#logDir);
    const azurite = await this.startStorage();
    const broker = await startBrokerProcess({
      port: 0,
      healthPort: 0,
      dataDir: join(this.#folder, 'broker'),
      logDir: this.#logDir,
    });
    this.#broker = broker;
    this.#settings = {
      ...settingsAt({
        storageConnection: azurite.connectionString,
        brokerPort: broker.port,
      }),
      ...disabledSources(),
      COUNTS_REFRESH: '0ms',
      ...settings,
    };
    await this.startHost();
    return openAzureBlobStore({ connectionString: azurite.connectionString }, 'lake');
  }

  /** Replaces the running host by another one at the same address. */
  async startHost(): Promise<void> {
    const port = Number(new URL(this.url || 'http://127.0.0.1:0').port || 0);
    await this.stopHost();
    this.#host = await startHostProcess({
      port,
      instance: `host${++this.#hosts}`,
      settings: this.#settings,
      logDir: this.#logDir,
    });
  }

  async stopHost(): Promise<void> {
    await this.#host?.stop();
  }

  /** At the same port, if it ran before. */
  async startStorage(): Promise<Azurite> {
    const blobPort = this.#azurite?.blobPort ?? 0;
    this.#azurite = await startAzurite({ dataDir: join(this.#folder, 'storage'), blobPort });
    return this.#azurite;
  }

  async stopStorage(): Promise<void> {
    await this.#azurite?.close();
  }

  async stop(): Promise<void> {
    await this.stopHost();
    await this.#broker?.stop();
    await this.stopStorage();
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 });
  }
}
