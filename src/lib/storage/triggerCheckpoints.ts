import type { StorageAccount } from './azureBlobStore';
import { openContainer } from './azureBlobStore';
import { callStorage, statusOf } from './callStorage';

/** The consumer group of a hub, to which a trigger's read positions belong. */
export interface ReaderGroup {
  readonly fullyQualifiedNamespace: string;
  readonly eventHubName: string;
  readonly consumerGroup: string;
}

/** A read position in a partition: the trigger continues after this event. */
export interface ReadPosition {
  readonly sequenceNumber: number;
  readonly offset: string;
}

/** A partition that an app reads now. */
export interface PartitionHolder {
  readonly partitionId: string;
  /** When the app last renewed its claim. */
  readonly renewedAt: Date;
}

/** A claim that was not renewed for this long has expired. This is the default of the Event Hubs extension. */
const heldForMs = 60_000;
const container = 'azure-webjobs-eventhub';

/**
 * The folder of a consumer group's read positions, in the layout of the Event Hubs extension: empty blobs
 * `{namespace}/{hub}/{group}/checkpoint|ownership/{partition}` in lower case. Their content is in their metadata: `offset` and
 * `sequencenumber` of a checkpoint, `ownerid` of an ownership.
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
   * The partitions that an app reads now. The claims of an app that was killed last for a minute more.
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

  /** Sets the position, so that the trigger continues after this event. Throws `storage.*`. */
  async move(partitionId: string, { sequenceNumber, offset }: ReadPosition): Promise<void> {
    const path = `${checkpointFolder(this.#group)}checkpoint/${partitionId}`;
    const blob = (await openContainer(this.#account, container)).getBlockBlobClient(path);
    const metadata = { offset, sequencenumber: String(sequenceNumber) };
    await callStorage(`put ${path}`, (abortSignal) => blob.upload('', 0, { abortSignal, metadata }));
  }
}
