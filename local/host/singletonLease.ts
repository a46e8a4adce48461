import { createHash, randomUUID } from 'node:crypto';
import { type BlobLeaseClient, type BlobServiceClient, RestError } from '@azure/storage-blob';
import { orAborted } from '../../src/lib/deadline';
import { pauseFor } from '../../src/lib/pauseFor';
import { askStorage } from './hostStorage';
import { describeError, type Log } from './log';

/** The shortest lease that the service grants. */
const leaseSeconds = 15;

/** The times of a lease, in milliseconds. */
export interface LeaseTimes {
  /** How long after its last successful request a host relies on the lease: less than the 15 s of the service. */
  readonly held: number;
  /** The time from one renewal to the next. Three renewals in a row may fail within `held`. */
  readonly renew: number;
  /** From one attempt to get the lease to the next. */
  readonly retry: number;
  /** The limit of one request with all its tries. */
  readonly request: number;
}

const leaseTimes: LeaseTimes = { held: 14_000, renew: 4_000, retry: 2_000, request: 3_000 };

export interface SingletonLeaseOptions {
  storage: BlobServiceClient;
  /** Blob name in the container azure-webjobs-hosts. */
  blobName: string;
  /** The host's name, if it has one. A killed host that restarts under the same name gets its lease back at once. */
  instance: string | undefined;
  log: Log;
  times?: LeaseTimes;
}

/** A lease that this host holds; `since` is in milliseconds since 1970. */
interface HeldLease {
  readonly lease: BlobLeaseClient;
  readonly since: number;
  readonly times: LeaseTimes;
}

/**
 * Runs `hold` while this host has the lease on the blob, so that only one host of an app runs it. If the lease is lost, the signal
 * of `hold` is aborted, and this function waits for the lease again. Ends when `signal` is aborted.
 */
export async function holdSingletonLease(
  options: SingletonLeaseOptions,
  signal: AbortSignal,
  hold: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const { blobName, times = leaseTimes } = options;
  const container = options.storage.getContainerClient('azure-webjobs-hosts');
  const blob = container.getBlockBlobClient(blobName);
  const lease = blob.getBlobLeaseClient(leaseId(options.instance, blobName));
  const ask = <T>(call: (abortSignal: AbortSignal) => Promise<T>) => askStorage(call, times.request);
  while (!signal.aborted) {
    let since: number | undefined;
    try {
      await ask((abortSignal) => container.createIfNotExists({ abortSignal }));
      const conditions = { ifNoneMatch: '*' };
      await ask((abortSignal) => blob.upload('', 0, { abortSignal, conditions })).catch(ignoreConflict);
      const askedAt = Date.now();
      await ask((abortSignal) => lease.acquireLease(leaseSeconds, { abortSignal }));
      since = askedAt;
    } catch (error) {
      if (!isConflict(error) && !signal.aborted)
        options.log('warning', 'host', `No lease on ${blobName}: ${describeError(error)}`);
    }
    if (since !== undefined) await holdUntilLost({ lease, since, times }, options, signal, hold);
    await pauseFor(times.retry, signal);
  }
}

async function holdUntilLost(
  held: HeldLease,
  options: SingletonLeaseOptions,
  signal: AbortSignal,
  hold: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const lost = new AbortController();
  const done = new AbortController();
  const renewing = renewUntilLost(held, done.signal).then(() => {
    if (!done.signal.aborted) lost.abort();
  });
  try {
    await hold(AbortSignal.any([signal, lost.signal]));
  } finally {
    done.abort();
    await renewing;
    if (lost.signal.aborted) options.log('warning', 'host', `The lease on ${options.blobName} was lost.`);
    else {
      const { lease, times } = held;
      await askStorage((abortSignal) => lease.releaseLease({ abortSignal }), times.request).catch(
        () => undefined,
      );
    }
  }
}

/** Resolves when another host has the lease, when the lease has expired without a renewal, or when `signal` is aborted. */
async function renewUntilLost({ lease, since, times }: HeldLease, signal: AbortSignal): Promise<void> {
  let askedAt = since;
  let endsAt = since + times.held;
  for (;;) {
    const due = askedAt + times.renew;
    const pause = Math.min(due, endsAt) - Date.now();
    await pauseFor(Math.max(0, pause), signal);
    askedAt = Date.now();
    // Only the clock decides here: after this time another host may have the lease, so it must not be renewed.
    if (signal.aborted || due >= endsAt || askedAt >= endsAt) return;
    const limit = Math.min(times.request, endsAt - askedAt);
    try {
      await orAborted(
        askStorage((abortSignal) => lease.renewLease({ abortSignal }), limit),
        signal,
      );
      endsAt = askedAt + times.held;
    } catch (error) {
      // If the storage is unreachable for a moment, the lease is still held.
      if (isConflict(error)) return;
    }
  }
}

/** The lease id, a GUID. The same instance always gets the same one. */
function leaseId(instance: string | undefined, blobName: string): string {
  if (instance === undefined) return randomUUID();
  const hex = createHash('sha256').update(`${instance}/${blobName}`).digest('hex');
  return hex.slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** Whether the lease is lost. 409 and 412: another host has it or made the blob. 404: the container was deleted. */
function isConflict(error: unknown): boolean {
  return error instanceof RestError && [404, 409, 412].includes(error.statusCode ?? 0);
}

function ignoreConflict(error: unknown): void {
  if (!isConflict(error)) throw error;
}
