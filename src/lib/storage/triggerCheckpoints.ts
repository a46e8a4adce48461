import { openContainer, type StorageAccount } from './azureBlobStore';
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
  /** Milliseconds since the app last renewed its claim, by the store's clock. */
  readonly ageMs: number;
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
    return callStorage(`list ${prefix}`, async (abortSignal) => {
      const holders: PartitionHolder[] = [];
      const pages = opened.listBlobsFlat({ prefix, includeMetadata: true, abortSignal }).byPage();
      for await (const { date = new Date(), segment } of pages)
        for (const { name, metadata, properties } of segment.blobItems) {
          const ageMs = date.getTime() - properties.lastModified.getTime();
          if (metadata?.ownerid && ageMs < heldForMs)
            holders.push({ partitionId: name.slice(prefix.length), ageMs });
        }
      return holders;
    }).catch((error) => {
      if (statusOf(error) === 404) return [];
      throw error;
    });
  }

  /** Sets the position, so that the trigger continues after this event. Throws `storage.*`. */
  async move(partitionId: string, { sequenceNumber, offset }: ReadPosition): Promise<void> {
    const path = `${checkpointFolder(this.#group)}checkpoint/${partitionId}`;
    const blob = (await openContainer(this.#account, container)).getBlockBlobClient(path);
    const metadata = { offset, sequencenumber: String(sequenceNumber) };
    await callStorage(`put ${path}`, (abortSignal) => blob.upload('', 0, { abortSignal, metadata }));
  }
}
