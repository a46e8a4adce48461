import { DefaultAzureCredential } from '@azure/identity';
import { BlobServiceClient, type StoragePipelineOptions } from '@azure/storage-blob';
import { within } from '../../src/lib/deadline';
import type { Settings } from './settings';

/*
 * The host's own storage. A host must notice that it is away before its leases and ownerships expire.
 */

/** The limit of a try is only told to the service; the SDK itself waits for an answer for ever. */
const pipeline: StoragePipelineOptions = {
  retryOptions: { maxTries: 3, retryDelayInMs: 200, maxRetryDelayInMs: 1_000, tryTimeoutInMs: 4_000 },
};

/** For one request with its tries: an ownership or a lease that is not renewed ends a little later. */
const requestLimitMs = 5_000;

/** Setting AzureWebJobsStorage or AzureWebJobsStorage__blobServiceUri. Throws when neither is set. */
export function connectHostStorage(settings: Settings): BlobServiceClient {
  const connectionString = settings.AzureWebJobsStorage;
  if (connectionString) return BlobServiceClient.fromConnectionString(connectionString, pipeline);
  const uri = settings.AzureWebJobsStorage__blobServiceUri;
  if (uri) return new BlobServiceClient(uri, new DefaultAzureCredential(), pipeline);
  throw new Error(
    'The setting AzureWebJobsStorage (a storage connection string) is not set; timers and Event Hub triggers keep their state there.',
  );
}

/** What a call of the storage SDK comes to. Rejects when it is not answered in time. */
export const askStorage = <T>(
  call: (abortSignal: AbortSignal) => Promise<T>,
  limitMs: number = requestLimitMs,
): Promise<T> =>
  within(limitMs, call, () => {
    throw new Error(`The storage did not answer in ${limitMs / 1000} s.`);
  });
