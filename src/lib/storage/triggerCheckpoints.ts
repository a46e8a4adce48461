import type { StorageAccount } from './azureBlobStore';
import { openContainer } from './azureBlobStore';
import { callStorage, statusOf } from './callStorage';

/** What a trigger's read positions belong to. */
export interface ReaderGroup {
  readonly fullyQualifiedNamespace: string;
  readonly eventHubName: string;
  readonly consumerGroup: string;
}

/** Where the trigger goes on in a partition: after this event. */
export interface ReadPosition {
  readonly sequenceNumber: number;
  readonly offset: string;
}

/** An app that reads a partition. */
export interface PartitionHolder {
  readonly partitionId: string;
  /** When it last said so. */
  readonly renewedAt: Date;
}

/** An app that has not renewed its claim for so long holds it no more: the default of the Event Hubs extension. */
const heldForMs = 60_000;
const container = 'azure-webjobs-eventhub';

/**
 * The folder of a consumer group's read positions, in the layout of the Event Hubs extension: empty blobs
 * `{namespace}/{hub}/{group}/checkpoint|ownership/{partition}` in lower case, with what they say in their metadata (`offset`,
 * `sequencenumber`; `ownerid`).
 */
export const checkpointFolder = ({ fullyQualifiedNamespace, eventHubName, consumerGroup }: ReaderGroup) =>
  `${fullyQualifiedNamespace}/${eventHubName}/${consumerGroup}/`.toLowerCase();

/** The read positions of an Event Hubs trigger, which the Functions host keeps in its own storage. */
export class TriggerCheckpoints {
  readonly #account: StorageAccount;
  readonly #group: ReaderGroup;

  constructor(account: StorageAccount, group: ReaderGroup) {
    this.#account = account;
    this.#group = group;
  }

  /**
   * The partitions that an app reads now. An app that was killed counts for a minute more.
   * @throws `storage.*`
   */
  async holders(): Promise<PartitionHolder[]> {
    const prefix = `${checkpointFolder(this.#group)}ownership/`;
    const opened = await openContainer(this.#account, container);
    const found = await callStorage(`list ${prefix}`, async (abortSignal) => {
      const blobs = [];
      const answer = opened.listBlobsFlat({ prefix, includeMetadata: true, abortSignal });
      for await (const { name, metadata, properties } of answer)
        blobs.push({ name, ownerId: metadata?.ownerid ?? '', renewedAt: properties.lastModified });
      return blobs;
    }).catch((error) => {
      if (statusOf(error) === 404) return [];
      throw error;
    });
    const now = Date.now();
    return found
      .filter(({ ownerId, renewedAt }) => ownerId !== '' && now - renewedAt.getTime() < heldForMs)
      .map(({ name, renewedAt }) => ({ partitionId: name.slice(prefix.length), renewedAt }));
  }

  /** Has the trigger go on after an event. Throws `storage.*`. */
  async move(partitionId: string, { sequenceNumber, offset }: ReadPosition): Promise<void> {
    const path = `${checkpointFolder(this.#group)}checkpoint/${partitionId}`;
    const blob = (await openContainer(this.#account, container)).getBlockBlobClient(path);
    const metadata = { offset, sequencenumber: String(sequenceNumber) };
    await callStorage(`put ${path}`, (abortSignal) => blob.upload('', 0, { abortSignal, metadata }));
  }
}
