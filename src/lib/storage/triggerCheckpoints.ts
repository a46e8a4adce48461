import { minuteMs } from '../duration';
import { openContainer, type StorageAccount } from './azureBlobStore';
import { callStorage, statusOf } from './callStorage';

/** A consumer group of a hub. A trigger's read positions belong to one. */
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

/** A read position as it was stored. */
export interface KeptPosition {
  readonly partitionId: string;
  /** Undefined if the trigger did not write it. */
  readonly sequenceNumber: string | undefined;
  readonly writtenAt: Date;
}

/** A partition that an app reads now. */
export interface PartitionHolder {
  readonly partitionId: string;
  /** How long ago the app renewed its claim, in milliseconds by the store's clock. */
  readonly ageMs: number;
}

/** A claim that was not renewed for this long has expired. This is the default of the Event Hubs extension. */
const heldForMs = minuteMs;
const container = 'azure-webjobs-eventhub';

/**
 * The folder of a consumer group's read positions, in the layout of the Event Hubs extension. It has empty blobs
 * `{namespace}/{hub}/{group}/checkpoint|ownership/{partition}` in lower case. The data is in their metadata: `offset` and `sequencenumber`
 * of a checkpoint, `ownerid` of an ownership.
 */
export const checkpointFolder = ({ fullyQualifiedNamespace, eventHubName, consumerGroup }: ReaderGroup) =>
  `${fullyQualifiedNamespace}/${eventHubName}/${consumerGroup}/`.toLowerCase();

interface KeptBlob {
  readonly partitionId: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly modifiedAt: Date;
  readonly listedAt: Date;
}

/** The read positions of an Event Hubs trigger, which the Functions host keeps in its own storage. */
export class TriggerCheckpoints {
  readonly #account: StorageAccount;
  readonly #group: ReaderGroup;

  constructor(account: StorageAccount, group: ReaderGroup) {
    this.#account = account;
    this.#group = group;
  }

  /**
   * The partitions that an app reads now. The claims of an app that was killed are valid for another minute.
   * @throws `storage.*`
   */
  async holders(): Promise<PartitionHolder[]> {
    const found = await this.#list('ownership');
    return found.flatMap(({ partitionId, metadata, modifiedAt, listedAt }) => {
      const ageMs = listedAt.getTime() - modifiedAt.getTime();
      return metadata.ownerid && ageMs < heldForMs ? [{ partitionId, ageMs }] : [];
    });
  }

  /**
   * The position of each partition that has one.
   * @throws `storage.*`
   */
  async positions(): Promise<KeptPosition[]> {
    const found = await this.#list('checkpoint');
    return found.map(({ partitionId, metadata, modifiedAt }) => ({
      partitionId,
      sequenceNumber: metadata.sequencenumber,
      writtenAt: modifiedAt,
    }));
  }

  /** Lists the blobs of one kind, with their times. Both times are by the store's clock. */
  async #list(kind: 'checkpoint' | 'ownership') {
    const prefix = `${checkpointFolder(this.#group)}${kind}/`;
    const opened = await openContainer(this.#account, container);
    const what = `${opened.accountName}/${container}: list ${prefix}`;
    return callStorage(what, async (abortSignal) => {
      const found: KeptBlob[] = [];
      const pages = opened.listBlobsFlat({ prefix, includeMetadata: true, abortSignal }).byPage();
      for await (const { date = new Date(), segment } of pages)
        for (const { name, metadata = {}, properties } of segment.blobItems)
          found.push({
            ...{ partitionId: name.slice(prefix.length), metadata },
            ...{ modifiedAt: properties.lastModified, listedAt: date },
          });
      return found;
    }).catch((error) => {
      if (statusOf(error) === 404) return [];
      throw error;
    });
  }

  /**
   * Sets the position, so that the trigger continues after this event. Makes the container, as the host does, if it was lost.
   * @throws `storage.*`
   */
  async move(partitionId: string, { sequenceNumber, offset }: ReadPosition): Promise<void> {
    const path = `${checkpointFolder(this.#group)}checkpoint/${partitionId}`;
    const opened = await openContainer(this.#account, container);
    const blob = opened.getBlockBlobClient(path);
    const metadata = { offset, sequencenumber: String(sequenceNumber) };
    const put = () =>
      callStorage(`put ${path}`, (abortSignal) => blob.upload('', 0, { abortSignal, metadata }));
    await put().catch(async (error) => {
      if (statusOf(error) !== 404) throw error;
      await callStorage(`make ${opened.accountName}/${container}`, (abortSignal) =>
        opened.createIfNotExists({ abortSignal }),
      );
      await put();
    });
  }
}
