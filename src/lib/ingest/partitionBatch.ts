import type { DecodedEvent } from './decodeEvents';
import type { Gap } from './gaps';

/** A batch of one partition, ready to be committed. */
export interface PartitionBatch {
  /** The appId of the partition's txn. */
  readonly appId: string;
  /** Microseconds since 1970. */
  readonly hubCreatedAt: number;
  readonly partition: number;
  /** Ascending by sequence number, at least one. */
  readonly events: readonly DecodedEvent[];
  /** Ranges before or between the events that will never come. They become dead letters. */
  readonly gaps?: readonly Gap[];
}
