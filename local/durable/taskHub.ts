import {
  type BlobServiceClient,
  type BlockBlobClient,
  type ContainerClient,
  RestError,
} from '@azure/storage-blob';
import { once } from '../../src/lib/once';
import { askStorage } from '../host/hostStorage';
import { type Instance, isOpen } from './instance';
import { StorageClock } from './storageClock';
import { blobName, idOf, parseInstance } from './storedInstance';

/** An instance together with the mark of its stored version. */
export interface Stored {
  instance: Instance;
  etag: string;
}

/** The facts about an instance that a listing gives. */
export interface Listed {
  id: string;
  etag: string;
  isOpen: boolean;
}

/**
 * The orchestrations of all hosts of an app: a blob for each instance in the host's storage account. A blob is only replaced if it is still
 * the one that was read. So if two hosts do the same work, only one of them succeeds.
 */
export class TaskHub {
  readonly name: string;
  readonly #container: () => Promise<ContainerClient>;
  readonly #forgetContainer: () => void;
  readonly #clock = new StorageClock();

  constructor(name: string, storage: () => BlobServiceClient) {
    this.name = name;
    const container = once(async () => {
      const client = storage().getContainerClient(`${name.toLowerCase()}-instances`);
      await askStorage((abortSignal) => client.createIfNotExists({ abortSignal }));
      return client;
    });
    this.#container = container;
    this.#forgetContainer = container.forget;
  }

  /** The time by the storage's clock, in milliseconds. So a host with a wrong clock does not disturb the others. */
  now(): number {
    return this.#clock.now();
  }

  async read(id: string): Promise<Stored | undefined> {
    try {
      const blob = await this.#blob(id);
      return await askStorage(async (abortSignal) => {
        const answer = await blob.download(0, undefined, { abortSignal });
        this.#clock.set(answer.date);
        const chunks: Buffer[] = [];
        for await (const chunk of answer.readableStreamBody ?? []) chunks.push(Buffer.from(chunk));
        const written = (answer.lastModified ?? new Date(this.now())).toISOString();
        const instance = parseInstance(Buffer.concat(chunks).toString(), id, written);
        return { instance, etag: answer.etag ?? '' };
      });
    } catch (error) {
      if (this.#statusOf(error) === 404) return undefined;
      throw error;
    }
  }

  /** Writes an instance. `over` is the stored one that it replaces, if there is one. Returns undefined if the stored one has changed. */
  async write(instance: Instance, over: Stored | undefined): Promise<Stored | undefined> {
    const text = JSON.stringify(instance);
    const conditions = over ? { ifMatch: over.etag } : { ifNoneMatch: '*' };
    const metadata = { open: String(isOpen(instance)) };
    try {
      const blob = await this.#blob(instance.id);
      const answer = await askStorage((abortSignal) =>
        blob.upload(text, Buffer.byteLength(text), { abortSignal, conditions, metadata }),
      );
      this.#clock.set(answer.date);
      return { instance, etag: answer.etag ?? '' };
    } catch (error) {
      if ([404, 409, 412].includes(this.#statusOf(error) ?? 0)) return undefined;
      throw error;
    }
  }

  /** Removes an instance. Returns whether it was still the stored one. */
  async remove({ instance, etag }: Stored): Promise<boolean> {
    try {
      const blob = await this.#blob(instance.id);
      await askStorage((abortSignal) => blob.delete({ abortSignal, conditions: { ifMatch: etag } }));
      return true;
    } catch (error) {
      if ([404, 412].includes(this.#statusOf(error) ?? 0)) return false;
      throw error;
    }
  }

  async list(): Promise<Listed[]> {
    try {
      const container = await this.#container();
      const found: Listed[] = [];
      const pages = container.listBlobsFlat({ prefix: 'instances/', includeMetadata: true }).byPage();
      for (;;) {
        const { value: page, done } = await askStorage(() => pages.next());
        if (done || !page) return found;
        this.#clock.set(page.date);
        for (const { name, properties, metadata } of page.segment.blobItems) {
          // In a listing, the mark does not have the quotes that it has in a header.
          const etag = `"${properties.etag.replaceAll('"', '')}"`;
          const id = idOf(name);
          if (id !== undefined) found.push({ id, etag, isOpen: metadata?.open !== 'false' });
        }
      }
    } catch (error) {
      if (this.#statusOf(error) === 404) return [];
      throw error;
    }
  }

  async #blob(id: string): Promise<BlockBlobClient> {
    return (await this.#container()).getBlockBlobClient(blobName(id));
  }

  #statusOf(error: unknown): number | undefined {
    if (!(error instanceof RestError)) return undefined;
    // Somebody deleted the task hub: the next request makes a new one.
    if (error.code === 'ContainerNotFound') this.#forgetContainer();
    return error.statusCode;
  }
}
