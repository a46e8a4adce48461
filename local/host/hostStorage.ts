import { DefaultAzureCredential } from '@azure/identity';
import { BlobServiceClient, type StoragePipelineOptions } from '@azure/storage-blob';
import { within } from '../../src/lib/deadline';
import type { Settings } from './settings';

/*
 * The host's own storage. If the storage does not answer, the host must notice before its leases and ownerships expire.
 */

/**
 * Options for the storage client. It sends the time limit of a try only to the service; the SDK itself would wait for an answer for ever.
 */
const pipeline: StoragePipelineOptions = {
  retryOptions: { maxTries: 3, retryDelayInMs: 200, maxRetryDelayInMs: 1_000, tryTimeoutInMs: 4_000 },
};

/** The limit of one request with all its tries. It is a little shorter than the life of an ownership or a lease. */
const requestLimitMs = 5_000;

/** Connects by AzureWebJobsStorage, or by AzureWebJobsStorage__blobServiceUri or __accountName. Throws if none is set. */
export function connectHostStorage(settings: Settings): BlobServiceClient {
  const connectionString = settings.AzureWebJobsStorage;
  if (connectionString) return BlobServiceClient.fromConnectionString(connectionString, pipeline);
  const account = settings.AzureWebJobsStorage__accountName;
  const uri =
    settings.AzureWebJobsStorage__blobServiceUri ?? (account && `https://${account}.blob.core.windows.net`);
  if (uri) return new BlobServiceClient(uri, new DefaultAzureCredential(), pipeline);
  throw new Error(
    'The setting AzureWebJobsStorage (a storage connection string) is not set; timers and Event Hub triggers keep their state there.',
  );
}

/** Returns the result of a call of the storage SDK. Rejects if it is not answered in time. */
export const askStorage = <T>(
  call: (abortSignal: AbortSignal) => Promise<T>,
  limitMs: number = requestLimitMs,
): Promise<T> =>
  within(limitMs, call, () => {
    throw new Error(`The storage did not answer in ${limitMs / 1000} s.`);
  });
