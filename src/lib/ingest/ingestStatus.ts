import { minuteMs } from '../duration';
import { describeFailure, TributaryError } from '../errors';
import { StatusWriter } from '../lake/statusWriter';
import type { ObjectStore } from '../storage/objectStore';
import { failurePath, type IngestFailure, readFailure, writeFailure } from './ingestFailure';

/** How often, in milliseconds, the record of a partition is written anew while it fails with the same code. */
const repeatMs = 10_000;
/**
 * After this time, in milliseconds, the record is deleted once more: a process that has lost the partition may still have written a failure
 * after the new owner's success.
 */
const clearMs = minuteMs;

export interface IngestStatusOptions {
  readonly store: () => Promise<ObjectStore>;
  /** Called with the first error each time that the lake cannot be reached. */
  readonly warn: (error: unknown) => void;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Milliseconds on a clock that only goes forward. */
  readonly monotonicNow?: () => number;
}

/**
 * Records in the lake which partitions fail in this process. Its calls return at once and never throw, so a batch neither waits for the
 * record nor fails because of it. A process makes one.
 */
export class IngestStatus {
  readonly #options: IngestStatusOptions;
  readonly #partitions = new Map<string, PartitionStatus>();
  #hasWarned = false;

  constructor(options: IngestStatusOptions) {
    this.#options = options;
  }

  /** Tells that an attempt to commit a partition's batch failed. */
  failed(stream: string, partitionId: string, error: unknown): void {
    this.#of(stream, partitionId).failed(error);
  }

  /** Tells that a batch of a partition was committed. */
  succeeded(stream: string, partitionId: string): void {
    this.#of(stream, partitionId).succeeded();
  }

  /**
   * The failures that could not be recorded, for example because a disk is full. Recorded failures are left out, because the lake knows
   * them better: another process may own the partition by now and have committed its batch.
   */
  unrecorded(): IngestFailure[] {
    return [...this.#partitions.values()].flatMap(({ unrecorded }) => (unrecorded ? [unrecorded] : []));
  }

  /** Resolves when nothing is being written. */
  async settled(): Promise<void> {
    await Promise.all([...this.#partitions.values()].map((partition) => partition.settled()));
  }

  #of(stream: string, partitionId: string): PartitionStatus {
    const key = failurePath(stream, partitionId);
    const known = this.#partitions.get(key);
    if (known) return known;
    const warn = (error: unknown) => {
      if (!this.#hasWarned) this.#options.warn(error);
      this.#hasWarned = true;
    };
    const onTold = () => {
      this.#hasWarned = false;
    };
    const made = new PartitionStatus(stream, partitionId, { ...this.#options, warn, onTold });
    this.#partitions.set(key, made);
    return made;
  }
}

interface PartitionOptions extends IngestStatusOptions {
  readonly onTold: () => void;
}

/** The status of one partition. */
class PartitionStatus {
  readonly #stream: string;
  readonly #partitionId: string;
  readonly #options: PartitionOptions;
  readonly #writer: StatusWriter;
  /** The last failure, while the partition fails. */
  #failure: IngestFailure | undefined;
  /** True once the lake was asked for a failure that an earlier process recorded. Such a failure may go on in this process. */
  #knowsPast = false;
  #isRecorded = false;

  constructor(stream: string, partitionId: string, options: PartitionOptions) {
    this.#stream = stream;
    this.#partitionId = partitionId;
    this.#options = options;
    const { store, warn, onTold, monotonicNow } = options;
    const write = (to: ObjectStore) => this.#write(to);
    const onWritten = () => {
      this.#isRecorded = true;
      onTold();
    };
    const onFailed = (error: unknown) => {
      this.#isRecorded = false;
      warn(error);
    };
    this.#writer = new StatusWriter({ store, write, onWritten, onFailed, monotonicNow });
  }

  get unrecorded(): IngestFailure | undefined {
    return this.#isRecorded ? undefined : this.#failure;
  }

  failed(error: unknown): void {
    const lastFailure = new Date(this.#options.now?.() ?? Date.now()).toISOString();
    const { since = lastFailure, attempts = 0 } = this.#failure ?? {};
    const [stream, partitionId] = [this.#stream, this.#partitionId];
    const { code } = describeFailure(error);
    const message = safeMessage(error);
    const { table, refusal } = error instanceof TributaryError ? error : {};
    this.#failure = {
      stream,
      partitionId,
      code,
      message,
      ...(table && { table }),
      ...(refusal && { refusal }),
      since,
      lastFailure,
      attempts: attempts + 1,
    };
    this.#writer.tell(code, repeatMs);
  }

  succeeded(): void {
    this.#failure = undefined;
    this.#knowsPast = true;
    this.#writer.tell('ok', clearMs);
  }

  settled(): Promise<void> {
    return this.#writer.settled();
  }

  async #write(store: ObjectStore): Promise<void> {
    const path = failurePath(this.#stream, this.#partitionId);
    if (!this.#knowsPast) this.#goOn(await readFailure(store, path));
    if (this.#failure) await writeFailure(store, this.#failure);
    else await store.delete(path);
  }

  /** Continues the failure that an earlier process left, and its count of attempts. */
  #goOn(left: IngestFailure | undefined): void {
    // If a batch was committed while the file was read, the failures after that have begun anew.
    if (left && this.#failure && !this.#knowsPast) {
      const attempts = left.attempts + this.#failure.attempts;
      this.#failure = { ...this.#failure, since: left.since, attempts };
    }
    this.#knowsPast = true;
  }
}

/** The text of an error for the record. Only our own messages are kept, because those of other errors may contain secrets. */
const safeMessage = (error: unknown): string =>
  error instanceof TributaryError ? error.message : error instanceof Error ? error.name : typeof error;
