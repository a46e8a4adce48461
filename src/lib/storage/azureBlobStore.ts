import { TributaryError } from '../errors';
import { type Identity, openCredential } from '../identity';
import { callStorage, statusOf } from './callStorage';
import type { ObjectInfo, ObjectRange, ObjectStore, PutOutcome, StoredObject } from './objectStore';

/** How to reach the account: by a connection string, or by its blob endpoint with an identity. */
export type StorageAccount =
  | { readonly connectionString: string }
  | ({ readonly blobServiceUri: string } & Identity);

/**
 * An ObjectStore over one container of Azure Blob Storage or ADLS Gen2 (through its blob endpoint). The first call of a method sends the
 * first request. A missing container reads as empty and is made by the first write.
 * @param refuseMissing if given, a missing container makes calls throw the error that this returns; it gets the name of the account
 */
export async function openAzureBlobStore(
  account: StorageAccount,
  container: string,
  refuseMissing?: RefuseMissing,
): Promise<ObjectStore> {
  return new AzureBlobStore(await openContainer(account, container), refuseMissing);
}

type RefuseMissing = (account: string) => TributaryError;

type ContainerClient = Awaited<ReturnType<typeof openContainer>>;

/** A container's client, for operations that an ObjectStore does not have. Wrap its requests in callStorage. */
export async function openContainer(account: StorageAccount, container: string) {
  const { BlobServiceClient } = await import('@azure/storage-blob');
  // One try per call. callStorage retries instead, because only it can give each try a deadline.
  const options = { retryOptions: { maxTries: 1 } };
  if ('connectionString' in account) {
    const service = BlobServiceClient.fromConnectionString(account.connectionString, options);
    return service.getContainerClient(container);
  }
  const credential = await openCredential(account);
  const service = new BlobServiceClient(account.blobServiceUri, credential, options);
  return service.getContainerClient(container);
}

class AzureBlobStore implements ObjectStore {
  readonly name: string;
  readonly #container: ContainerClient;
  readonly #refuseMissing: RefuseMissing | undefined;

  constructor(container: ContainerClient, refuseMissing: RefuseMissing | undefined) {
    this.#container = container;
    this.#refuseMissing = refuseMissing;
    this.name = `${container.accountName}/${container.containerName}`;
  }

  get(path: string): Promise<StoredObject | undefined> {
    return this.#call(`get ${path}`, isNotFound, async (abortSignal) => {
      const reply = await this.#blob(path).download(0, undefined, { abortSignal });
      const bytes = await readAll(reply.readableStreamBody);
      return { bytes, etag: reply.etag ?? '', lastModified: reply.lastModified ?? new Date(0) };
    });
  }

  async getRange(path: string, start: number, length: number): Promise<ObjectRange | undefined> {
    // Blob storage cannot read "the last n bytes", and it refuses a range that begins past the end: so ask for the size first.
    const size = start < 0 ? await this.#size(path) : undefined;
    if (start < 0 && size === undefined) return undefined;
    const from = start < 0 ? Math.max(0, (size ?? 0) + start) : start;
    const download = async (abortSignal: AbortSignal) => {
      const reply = await this.#blob(path).download(from, length, { abortSignal });
      const bytes = await readAll(reply.readableStreamBody);
      return { bytes, size: Number(reply.contentRange?.split('/')[1] ?? bytes.length) };
    };
    const isOutside = (error: unknown) => isNotFound(error) || isPastTheEnd(error);
    const found = await this.#call(`get ${path}`, isOutside, download, length);
    if (found) return found;
    const whole = await this.#size(path);
    return whole === undefined ? undefined : { bytes: new Uint8Array(0), size: whole };
  }

  async put(path: string, bytes: Uint8Array): Promise<{ etag: string }> {
    return { etag: (await this.#upload(path, bytes, {}, never)) ?? '' };
  }

  async putIfAbsent(path: string, bytes: Uint8Array): Promise<PutOutcome> {
    const etag = await this.#upload(path, bytes, { ifNoneMatch: '*' }, isAlreadyThere);
    return etag === undefined ? { outcome: 'exists' } : { outcome: 'written', etag };
  }

  async putIfMatch(path: string, bytes: Uint8Array, etag: string): Promise<PutOutcome> {
    const written = await this.#upload(path, bytes, { ifMatch: etag }, isMismatch);
    return written === undefined ? { outcome: 'mismatch' } : { outcome: 'written', etag: written };
  }

  async *list(prefix: string): AsyncIterable<ObjectInfo> {
    let continuationToken: string | undefined;
    do {
      const page = await this.#call(`list ${prefix}`, isNotFound, async (abortSignal) => {
        const pages = this.#container
          .listBlobsFlat({ prefix, includeMetadata: true, abortSignal })
          .byPage(continuationToken === undefined ? {} : { continuationToken });
        return (await pages.next()).value;
      });
      for (const { name, properties, metadata } of page?.segment.blobItems ?? []) {
        if (metadata?.hdi_isfolder === 'true') continue;
        yield { path: name, size: properties.contentLength ?? 0, lastModified: properties.lastModified };
      }
      continuationToken = page?.continuationToken || undefined;
    } while (continuationToken);
  }

  async delete(path: string): Promise<boolean> {
    const gone = await this.#call(`delete ${path}`, isNotFound, async (abortSignal) => {
      await this.#blob(path).delete({ abortSignal });
      return true;
    });
    return gone ?? false;
  }

  #blob(path: string) {
    return this.#container.getBlockBlobClient(path);
  }

  #size(path: string): Promise<number | undefined> {
    return this.#call(`get ${path}`, isNotFound, async (abortSignal) => {
      const properties = await this.#blob(path).getProperties({ abortSignal });
      return properties.contentLength ?? 0;
    });
  }

  /** Returns the ETag, or undefined if the store refused with an expected answer. */
  async #upload(path: string, bytes: Uint8Array, conditions: Conditions, expected: Expected) {
    let hasContainer = true;
    const orNoContainer = (error: unknown) => {
      hasContainer = !isNoContainer(error);
      return !hasContainer || expected(error);
    };
    const upload = async (abortSignal: AbortSignal) => {
      const reply = await this.#blob(path).upload(bytes, bytes.length, { conditions, abortSignal });
      return reply.etag ?? '';
    };
    const etag = await this.#call(`put ${path}`, orNoContainer, upload, bytes.length);
    if (hasContainer) return etag;
    await this.#call('create the container', never, (abortSignal) =>
      this.#container.createIfNotExists({ abortSignal }),
    );
    return this.#call(`put ${path}`, expected, upload, bytes.length);
  }

  /** Returns undefined for an error answer that the caller expects. Throws every other error as a TributaryError. */
  async #call<T>(
    what: string,
    expected: Expected,
    call: (abortSignal: AbortSignal) => Promise<T>,
    bytes = 0,
  ): Promise<T | undefined> {
    try {
      return await callStorage(`${this.name}: ${what}`, call, bytes);
    } catch (error) {
      if (this.#refuseMissing && isNoContainer(error)) throw this.#refuseMissing(this.#container.accountName);
      if (expected(error)) return undefined;
      if (error instanceof TributaryError) throw error;
      const status = [statusOf(error), codeOf(error)].join(' ');
      throw new TributaryError('storage.refused', `${this.name}: ${what}: ${status}.`, { cause: error });
    }
  }
}

type Conditions = { readonly ifMatch?: string; readonly ifNoneMatch?: string };
type Expected = (error: unknown) => boolean;

const codeOf = (error: unknown) => (error as { code?: unknown } | null)?.code;
const never: Expected = () => false;
const isNoContainer: Expected = (error) => codeOf(error) === 'ContainerNotFound';
const isNotFound: Expected = (error) => statusOf(error) === 404;
const isPastTheEnd: Expected = (error) => statusOf(error) === 416;
// Compare codes and not only statuses: a lease also answers 412, and a container that is being deleted also answers 409.
const isConditionNotMet: Expected = (error) => codeOf(error) === 'ConditionNotMet';
const isMismatch: Expected = (error) => isConditionNotMet(error) || isNotFound(error);
const isAlreadyThere: Expected = (error) => codeOf(error) === 'BlobAlreadyExists' || isConditionNotMet(error);

async function readAll(stream: NodeJS.ReadableStream | undefined): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream ?? []) chunks.push(chunk as Uint8Array);
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
}
