import type { Checkpoint, CheckpointStore, PartitionOwnership } from '@azure/event-hubs';
import { type BlobServiceClient, type ContainerClient, RestError } from '@azure/storage-blob';
import { askStorage } from './hostStorage';

/** The consumer group of a hub, to which checkpoints and ownerships belong. */
export interface ReaderGroup {
  fullyQualifiedNamespace: string;
  eventHubName: string;
  consumerGroup: string;
}

/**
 * Keeps checkpoints and ownerships as blobs of the host's storage, in the layout of the real extension: empty blobs
 * `{namespace}/{hub}/{group}/checkpoint|ownership/{partition}` in lower case in the container azure-webjobs-eventhub. Their content
 * is in their metadata: `offset` and `sequencenumber` of a checkpoint, `ownerid` of an ownership. If two hosts claim a partition at
 * once, the blob's ETag decides.
 */
export class BlobCheckpointStore implements CheckpointStore {
  /** When the load balancer last asked, in milliseconds since 1970. If it hangs, this time becomes old. */
  lastListedAt = Date.now();
  readonly #container: ContainerClient;

  constructor(storage: BlobServiceClient) {
    this.#container = storage.getContainerClient('azure-webjobs-eventhub');
  }

  async createContainer(): Promise<void> {
    await askStorage((abortSignal) => this.#container.createIfNotExists({ abortSignal }));
  }

  async listOwnership(
    fullyQualifiedNamespace: string,
    eventHubName: string,
    consumerGroup: string,
  ): Promise<PartitionOwnership[]> {
    this.lastListedAt = Date.now();
    const group = { fullyQualifiedNamespace, eventHubName, consumerGroup };
    const blobs = await this.#list(group, 'ownership');
    return blobs.map(({ partitionId, metadata, properties }) => ({
      ...group,
      partitionId,
      ownerId: metadata.ownerid ?? '',
      lastModifiedTimeInMs: properties.lastModified.getTime(),
      etag: properties.etag,
    }));
  }

  async claimOwnership(requests: PartitionOwnership[]): Promise<PartitionOwnership[]> {
    const claimed: PartitionOwnership[] = [];
    for (const request of requests) {
      const blob = this.#blob(request, 'ownership', request.partitionId);
      const metadata = { ownerid: request.ownerId };
      try {
        const { etag, lastModified } = await askStorage(async (abortSignal) =>
          request.etag
            ? blob.setMetadata(metadata, { abortSignal, conditions: { ifMatch: request.etag } })
            : blob.upload('', 0, { abortSignal, metadata, conditions: { ifNoneMatch: '*' } }),
        );
        claimed.push({
          ...request,
          ...(etag && { etag }),
          lastModifiedTimeInMs: (lastModified ?? new Date()).getTime(),
        });
      } catch (error) {
        // Another host was faster, or the blobs were deleted.
        if (!(error instanceof RestError && [404, 409, 412].includes(error.statusCode ?? 0))) throw error;
      }
    }
    return claimed;
  }

  async updateCheckpoint(checkpoint: Checkpoint): Promise<void> {
    const blob = this.#blob(checkpoint, 'checkpoint', checkpoint.partitionId);
    const metadata = { offset: checkpoint.offset, sequencenumber: String(checkpoint.sequenceNumber) };
    await askStorage((abortSignal) => blob.upload('', 0, { abortSignal, metadata }));
  }

  async listCheckpoints(
    fullyQualifiedNamespace: string,
    eventHubName: string,
    consumerGroup: string,
  ): Promise<Checkpoint[]> {
    const group = { fullyQualifiedNamespace, eventHubName, consumerGroup };
    const blobs = await this.#list(group, 'checkpoint');
    return blobs.flatMap(({ partitionId, metadata }) =>
      metadata.offset === undefined
        ? []
        : [
            {
              ...group,
              partitionId,
              offset: metadata.offset,
              sequenceNumber: Number(metadata.sequencenumber),
            },
          ],
    );
  }

  /** Whether this owner still has the partition. */
  async isOwner(group: ReaderGroup, partitionId: string, ownerId: string): Promise<boolean> {
    try {
      const blob = this.#blob(group, 'ownership', partitionId);
      const { metadata } = await askStorage((abortSignal) => blob.getProperties({ abortSignal }));
      return metadata?.ownerid === ownerId;
    } catch (error) {
      if (error instanceof RestError && error.statusCode === 404) return false;
      throw error;
    }
  }

  /** Gives up all partitions of an owner, so that others can claim them at once. */
  async release(group: ReaderGroup, ownerId: string): Promise<void> {
    const { fullyQualifiedNamespace, eventHubName, consumerGroup } = group;
    const owned = await this.listOwnership(fullyQualifiedNamespace, eventHubName, consumerGroup);
    await this.claimOwnership(
      owned.filter((one) => one.ownerId === ownerId).map((one) => ({ ...one, ownerId: '' })),
    );
  }

  #list(group: ReaderGroup, kind: 'checkpoint' | 'ownership') {
    const prefix = blobPrefix(group, kind);
    return askStorage(async (abortSignal) => {
      const found = [];
      const blobs = this.#container.listBlobsFlat({ prefix, includeMetadata: true, abortSignal });
      for await (const { name, metadata, properties } of blobs) {
        found.push({ partitionId: name.slice(prefix.length), metadata: metadata ?? {}, properties });
      }
      return found;
    });
  }

  #blob(group: ReaderGroup, kind: 'checkpoint' | 'ownership', partitionId: string) {
    return this.#container.getBlockBlobClient(blobPrefix(group, kind) + partitionId);
  }
}

function blobPrefix(group: ReaderGroup, kind: 'checkpoint' | 'ownership'): string {
  const { fullyQualifiedNamespace, eventHubName, consumerGroup } = group;
  return `${fullyQualifiedNamespace}/${eventHubName}/${consumerGroup}/${kind}/`.toLowerCase();
}
