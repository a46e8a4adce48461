import { randomUUID } from 'node:crypto';
import { type BlobServiceClient, RestError } from '@azure/storage-blob';
import { askStorage } from '../host/hostStorage';
import type { Log } from '../host/log';
import { holdSingletonLease } from '../host/singletonLease';

/** How long the answer that a host is alive is trusted, in milliseconds. */
const believedMs = 3_000;

export interface HostLeaseOptions {
  storage: () => BlobServiceClient;
  hostId: string;
  instance: string | undefined;
  log: Log;
}

/**
 * The sign of life of a host that runs activities: a lease on a blob of its own. If the host is killed, the lease expires after 15 s,
 * and other hosts run its activities again. Only one lease is renewed, however many activities run.
 */
export class HostLease {
  /** This host's name. A named host that was killed and comes back has its lease, and so its activities, at once. */
  readonly name: string;
  readonly #options: HostLeaseOptions;
  readonly #stopping = new AbortController();
  readonly #aliveUntil = new Map<string, number>();
  #holding: Promise<void> = Promise.resolve();
  #isHeld = false;

  constructor(options: HostLeaseOptions) {
    this.#options = options;
    this.name = options.instance ?? randomUUID();
  }

  /** Whether other hosts can see that this one is alive. If not, it must begin no work. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  start(): void {
    const { storage, instance, log } = this.#options;
    const lease = { storage: storage(), blobName: this.#blobName(this.name), instance, log };
    this.#holding = holdSingletonLease(lease, this.#stopping.signal, async (signal) => {
      this.#isHeld = true;
      await new Promise<void>((lost) => {
        if (signal.aborted) lost();
        else signal.addEventListener('abort', () => lost());
      });
      this.#isHeld = false;
    });
  }

  /** Gives up the lease. Activities that still run here are run again elsewhere. */
  async close(): Promise<void> {
    this.#stopping.abort();
    await this.#holding;
    await this.#remove(this.name);
  }

  /** Whether a host is gone, so that what it has begun may be taken over. */
  async isGone(host: string): Promise<boolean> {
    if ((this.#aliveUntil.get(host) ?? 0) > performance.now()) return false;
    const gone = await this.#remove(host);
    if (!gone) this.#aliveUntil.set(host, performance.now() + believedMs);
    return gone;
  }

  /** Deletes a host's blob, which the storage refuses as long as there is a lease on it. Returns false if it does. */
  async #remove(host: string): Promise<boolean> {
    const container = this.#options.storage().getContainerClient('azure-webjobs-hosts');
    const blob = container.getBlockBlobClient(this.#blobName(host));
    try {
      await askStorage((abortSignal) => blob.delete({ abortSignal }));
      return true;
    } catch (error) {
      return error instanceof RestError && error.statusCode === 404;
    }
  }

  #blobName(host: string): string {
    return `locks/${this.#options.hostId}/durable/${encodeURIComponent(host)}`;
  }
}
