import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type BlobLeaseClient, type BlobServiceClient, RestError } from '@azure/storage-blob';
import { orAborted } from '../../src/lib/deadline';
import { askStorage } from './hostStorage';
import { describeError, type Log } from './log';

/** The shortest that the service gives. */
const leaseSeconds = 15;

/** In ms. */
export interface LeaseTimes {
  /** For how long after it last asked with success a host takes the lease for its own: less than the 15 s of the service. */
  readonly held: number;
  /** From one renewal to the next. Three that fail in a row fit into `held`. */
  readonly renew: number;
  /** From one attempt to get the lease to the next. */
  readonly retry: number;
  /** For one request with its tries. */
  readonly request: number;
}

const leaseTimes: LeaseTimes = { held: 14_000, renew: 4_000, retry: 2_000, request: 3_000 };

export interface SingletonLeaseOptions {
  storage: BlobServiceClient;
  /** Blob name in the container azure-webjobs-hosts. */
  blobName: string;
  /** A host that was killed and comes back under its old name holds its lease again at once. */
  instance: string | undefined;
  log: Log;
  times?: LeaseTimes;
}

/** A lease that this host has since a time in ms since 1970. */
interface HeldLease {
  readonly lease: BlobLeaseClient;
  readonly since: number;
  readonly times: LeaseTimes;
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
    await delay(times.retry, undefined, { signal }).catch(() => undefined);
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

/** Resolves when somebody else has the lease, when its time is over without a renewal, or when `signal` is aborted. */
async function renewUntilLost({ lease, since, times }: HeldLease, signal: AbortSignal): Promise<void> {
  let askedAt = since;
  let endsAt = since + times.held;
  for (;;) {
    const due = askedAt + times.renew;
    const pause = Math.min(due, endsAt) - Date.now();
    await delay(Math.max(0, pause), undefined, { signal }).catch(() => undefined);
    askedAt = Date.now();
    // The clock alone ends it: a renewal that comes later would be of a lease that another host may have.
    if (signal.aborted || due >= endsAt || askedAt >= endsAt) return;
    const limit = Math.min(times.request, endsAt - askedAt);
    try {
      await orAborted(
        askStorage((abortSignal) => lease.renewLease({ abortSignal }), limit),
        signal,
      );
      endsAt = askedAt + times.held;
    } catch (error) {
      // A storage that is away for a moment does not end the lease.
      if (isConflict(error)) return;
    }
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
