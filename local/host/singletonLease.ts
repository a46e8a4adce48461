import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type BlobLeaseClient, type BlobServiceClient, RestError } from '@azure/storage-blob';
import { describeError, type Log } from './log';

const leaseSeconds = 15;
const renewMs = 4_000;
const retryMs = 2_000;

export interface SingletonLeaseOptions {
  storage: BlobServiceClient;
  /** Blob name in the container azure-webjobs-hosts. */
  blobName: string;
  /** A host that was killed and comes back under its old name holds its lease again at once. */
  instance: string | undefined;
  log: Log;
}

/**
 * Runs `hold` while this host has the lease on the blob, so that of all hosts of an app only one does. The signal of
 * `hold` is aborted when the lease is lost; then this waits for it again. Ends when `signal` is aborted.
 */
export async function holdSingletonLease(
  options: SingletonLeaseOptions,
  signal: AbortSignal,
  hold: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const container = options.storage.getContainerClient('azure-webjobs-hosts');
  const blob = container.getBlockBlobClient(options.blobName);
  const lease = blob.getBlobLeaseClient(leaseId(options.instance, options.blobName));
  while (!signal.aborted) {
    let acquired = false;
    try {
      await container.createIfNotExists();
      await blob.upload('', 0, { conditions: { ifNoneMatch: '*' } }).catch(ignoreConflict);
      await lease.acquireLease(leaseSeconds);
      acquired = true;
    } catch (error) {
      if (!isConflict(error))
        options.log('warning', 'host', `No lease on ${options.blobName}: ${describeError(error)}`);
    }
    if (acquired) await holdUntilLost(lease, options, signal, hold);
    await delay(retryMs, undefined, { signal }).catch(() => undefined);
  }
}

async function holdUntilLost(
  lease: BlobLeaseClient,
  options: SingletonLeaseOptions,
  signal: AbortSignal,
  hold: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const lost = new AbortController();
  const stop = AbortSignal.any([signal, lost.signal]);
  let renewedAt = Date.now();
  let renewing = false;
  const timer = setInterval(async () => {
    if (renewing) return;
    renewing = true;
    try {
      const startedAt = Date.now();
      await lease.renewLease();
      renewedAt = startedAt;
    } catch (error) {
      // A storage that is away for a moment does not end the lease; its own clock does.
      if (isConflict(error) || Date.now() - renewedAt > (leaseSeconds - 1) * 1000) lost.abort();
    } finally {
      renewing = false;
    }
  }, renewMs);
  try {
    await hold(stop);
  } finally {
    clearInterval(timer);
    if (lost.signal.aborted) options.log('warning', 'host', `The lease on ${options.blobName} was lost.`);
    else await lease.releaseLease().catch(() => undefined);
  }
}

/** A lease id is a GUID; the same instance gets the same one. */
function leaseId(instance: string | undefined, blobName: string): string {
  if (instance === undefined) return randomUUID();
  const hex = createHash('sha256').update(`${instance}/${blobName}`).digest('hex');
  return hex.slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** 409 and 412: somebody else holds or made it. 404: the container was deleted under the lease. */
function isConflict(error: unknown): boolean {
  return error instanceof RestError && [404, 409, 412].includes(error.statusCode ?? 0);
}

function ignoreConflict(error: unknown): void {
  if (!isConflict(error)) throw error;
}
