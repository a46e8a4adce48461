import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventHubProducerClient } from '@azure/event-hubs';
import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob';
import type { TestContext } from 'vitest';
import { type Azurite, startAzurite } from '../../../local/azurite';
import { type Broker, startBroker } from '../../../local/broker/broker';
import { type AppOptions, type HostProcess, startHostProcess, writeApp } from './hostProcess';

/** The output of the sample function: one line `batch {json}` per call, which the tests read. */
export interface BatchLine {
  partitionId: string;
  sequenceNumbers: number[];
  bodies: unknown[];
  retry: { retryCount: number; maxRetryCount: number; exception?: { message: string } } | null;
  metadata: Record<string, unknown>;
  at: number;
  end?: number;
}

export const printBatch = `
const print = (bodies, context, more) => context.log('batch ' + JSON.stringify({
  partitionId: context.triggerMetadata.partitionContext.partitionId,
  sequenceNumbers: context.triggerMetadata.sequenceNumberArray,
  bodies: bodies.map((body) => Buffer.isBuffer(body) ? body.toString() : body),
  retry: context.retryContext ?? null, at: Date.now(), ...more }));
`;

/** Source of an app whose function `ingest` gets batches with bodies as bytes. */
export const register = (handler: string, more = ''): string => `${printBatch}
app.generic('ingest', { trigger: trigger.generic({ type: 'eventHubTrigger', connection: 'Hub', eventHubName: '%HUB%',
  consumerGroup: '%GROUP%', cardinality: 'many', dataType: 'binary' }), handler: ${handler}, ${more} });`;

export const justPrint = register('async (bodies, context) => print(bodies, context)');

/** Long enough for a partition to be claimed after its owner was killed, on a busy machine. */
export const patient = { timeout: 25_000, interval: 100 };

export const numbers = (from: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => from + i);

export function batches(...hosts: HostProcess[]): BatchLine[] {
  return hosts.flatMap((host) =>
    host.lines(': batch {').map((line) => JSON.parse(line.slice(line.indexOf('batch {') + 6))),
  );
}

export const sequenceNumbers = (...hosts: HostProcess[]): number[] =>
  batches(...hosts).flatMap((batch) => batch.sequenceNumbers);

export async function readStatus(host: HostProcess) {
  const response = await fetch(`${host.url}/admin/host/status`);
  return (await response.json()) as {
    state: string;
    functions: unknown[];
    eventHubs: { ingest: { batches: number; events: number; failures: number; partitions: string[] } };
  };
}

/** A broker and a storage for the tests of a file; every app gets a hub of its own, with four partitions. */
export class HubStand {
  #nextHub = 0;
  readonly #dataDir: string;

  private constructor(
    readonly azurite: Azurite,
    public broker: Broker,
    dataDir: string,
    readonly container: ContainerClient,
  ) {
    this.#dataDir = dataDir;
  }

  static async start(): Promise<HubStand> {
    const dataDir = mkdtempSync(join(tmpdir(), 'broker-'));
    const [azurite, broker] = await Promise.all([startAzurite(), startBroker({ port: 0, config, dataDir })]);
    const storage = BlobServiceClient.fromConnectionString(azurite.connectionString);
    return new HubStand(azurite, broker, dataDir, storage.getContainerClient('azure-webjobs-eventhub'));
  }

  async close(): Promise<void> {
    await this.broker.close();
    await this.azurite.close();
    rmSync(this.#dataDir, { recursive: true, force: true });
  }

  /** The broker keeps its log and its port. */
  async restartBroker(): Promise<void> {
    const { port } = this.broker;
    await this.broker.close();
    this.broker = await startBroker({ port, config, dataDir: this.#dataDir });
  }

  /** An app on a hub of its own, and its hosts, until the test has ended. */
  setUp({ onTestFinished }: TestContext, options: AppOptions) {
    const hub = `hub${this.#nextHub++}`;
    const folder = writeApp(options);
    onTestFinished(folder.remove);
    const settings = {
      AzureWebJobsStorage: this.azurite.connectionString,
      Hub: this.broker.connectionString(),
      HUB: hub,
      GROUP: 'tributary',
    };
    const start = async (more: { instance?: string; settings?: Record<string, string> } = {}) => {
      const host = await startHostProcess({
        dir: folder.dir,
        ...more,
        settings: { ...settings, ...more.settings },
      });
      onTestFinished(async () => {
        await host.stop('SIGKILL');
      });
      return host;
    };
    return { hub, start };
  }

  async send(hub: string, bodies: unknown[], partitionId = '0'): Promise<void> {
    const producer = new EventHubProducerClient(this.broker.connectionString(), hub);
    await producer.sendBatch(
      bodies.map((body) => ({ body })),
      { partitionId },
    );
    await producer.close();
  }

  /** The metadata of the checkpoint blob. */
  async checkpointOf(hub: string, partitionId = '0'): Promise<Record<string, string> | undefined> {
    const name = `127.0.0.1/${hub}/tributary/checkpoint/${partitionId}`;
    for await (const blob of this.container.listBlobsFlat({ prefix: name, includeMetadata: true })) {
      if (blob.name === name) return blob.metadata;
    }
    return undefined;
  }
}

const config = {
  namespace: 'emulatorNs1',
  hubs: numbers(0, 12).map((i) => ({ name: `hub${i}`, partitionCount: 4, consumerGroups: ['tributary'] })),
};
