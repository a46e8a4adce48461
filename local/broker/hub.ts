import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HubConfig } from './config';
import type { SentBatch } from './eventBytes';
import { partitionOf } from './partitionKeyHash';
import { PartitionLog } from './partitionLog';
import type { Reader } from './readerGroup';

/** The state of a hub on disk besides its events. */
interface HubState {
  createdOn: Date;
  partitionCount: number;
  /** For each partition, the sequence number of the oldest event that is not expired. */
  begin: number[];
}

/**
 * An event hub: its partitions and their readers.
 *
 * On disk a hub is a directory with `hub.json` (its state) and one directory for each generation, named by the creation time in
 * milliseconds, with one log for each partition. Recreating the hub switches generations by replacing `hub.json`, so that a crash
 * leaves either the old hub or the new one.
 */
export class Hub {
  readonly name: string;
  readonly partitionCount: number;
  /** Events sent to readers since the broker started, including redeliveries. */
  delivered = 0;
  readonly #groups: ReadonlySet<string>;
  readonly #dir: string | undefined;
  readonly #readers = new Map<string, Set<Reader>>();
  readonly #waiting: Set<() => void>[];
  #createdOn: Date;
  #partitions: PartitionLog[];
  #nextPartition = 0;

  /**
   * @param dataDir The folder of all hubs. Without it, this hub is in memory only.
   * @throws An error if the hub in the folder has more partitions than configured.
   */
  constructor(config: HubConfig, dataDir: string | undefined) {
    this.name = config.name;
    this.partitionCount = config.partitionCount;
    this.#groups = new Set(['$default', ...config.consumerGroups.map((group) => group.toLowerCase())]);
    this.#dir = dataDir === undefined ? undefined : join(dataDir, config.name.toLowerCase());
    this.#waiting = Array.from({ length: config.partitionCount }, () => new Set());
    const state = this.#dir === undefined ? undefined : readState(join(this.#dir, 'hub.json'));
    if (state && state.partitionCount > config.partitionCount) {
      throw new Error(
        `hub ${config.name} has ${state.partitionCount} partitions in ${this.#dir}, the configuration says ${config.partitionCount}: a hub cannot lose partitions`,
      );
    }
    this.#createdOn = state?.createdOn ?? new Date();
    this.#partitions = this.#openPartitions();
    this.#partitions.forEach((log, index) => {
      log.truncate(state?.begin[index] ?? 0);
    });
    this.#saveState();
  }

  get createdOn(): Date {
    return this.#createdOn;
  }

  /** Events accepted since the hub was created, over all runs of the broker. */
  get accepted(): number {
    return this.#partitions.reduce((sum, log) => sum + log.nextSequenceNumber, 0);
  }

  get partitions(): readonly PartitionLog[] {
    return this.#partitions;
  }

  hasGroup(group: string): boolean {
    return this.#groups.has(group.toLowerCase());
  }

  /** The number of a partition by its id; undefined if there is no such partition. */
  partitionIndex(partitionId: string): number | undefined {
    const index = /^\d{1,4}$/.test(partitionId) ? Number(partitionId) : -1;
    return index >= 0 && index < this.partitionCount && String(index) === partitionId ? index : undefined;
  }

  /** The readers of a partition in a consumer group. */
  readersOf(partition: number, group: string): Set<Reader> {
    const key = `${partition}/${group.toLowerCase()}`;
    const readers = this.#readers.get(key) ?? new Set();
    this.#readers.set(key, readers);
    return readers;
  }

  /** Calls back after every append to a partition, until the returned function is called. */
  onAppend(partition: number, callback: () => void): () => void {
    const waiting = this.#waiting[partition];
    waiting?.add(callback);
    return () => waiting?.delete(callback);
  }

  /** Appends a batch to the given partition, or else to the partition of its key, or else to the next partition in turn. */
  append(batch: SentBatch, partition: number | undefined): void {
    const index = partition ?? this.#choosePartition(batch.partitionKey);
    this.#partitions[index]?.append(batch.events, batch.partitionKey);
    for (const callback of this.#waiting[index] ?? []) callback();
  }

  /** Expires the events of a partition before a sequence number, as retention does. */
  truncate(partition: number, before: number): void {
    this.#partitions[partition]?.truncate(before);
    this.#saveState();
  }

  /** Deletes the hub and makes it again: no events, sequence numbers from 0, a later creation time. */
  recreate(): void {
    const old = this.#generationDir();
    this.close();
    this.#createdOn = new Date(Math.max(Date.now(), this.#createdOn.getTime() + 1));
    this.#partitions = this.#openPartitions();
    this.#saveState();
    if (old) rmSync(old, { recursive: true, force: true });
  }

  close(): void {
    for (const log of this.#partitions) log.close();
  }

  #choosePartition(key: Buffer | undefined): number {
    if (key) return partitionOf(key, this.partitionCount);
    const index = this.#nextPartition;
    this.#nextPartition = (index + 1) % this.partitionCount;
    return index;
  }

  #generationDir(): string | undefined {
    return this.#dir === undefined ? undefined : join(this.#dir, String(this.#createdOn.getTime()));
  }

  #openPartitions(): PartitionLog[] {
    const dir = this.#generationDir();
    if (dir) mkdirSync(dir, { recursive: true });
    return Array.from({ length: this.partitionCount }, (_, index) => {
      const log = new PartitionLog(dir && join(dir, `${index}.log`), this.#createdOn);
      if (log.tornBytes > 0) {
        console.error(`${this.name}/${index}: cut off ${log.tornBytes} bytes that a crash left half written`);
      }
      return log;
    });
  }

  #saveState(): void {
    if (this.#dir === undefined) return;
    const state: HubState = {
      createdOn: this.#createdOn,
      partitionCount: this.partitionCount,
      begin: this.#partitions.map((log) => log.begin),
    };
    const path = join(this.#dir, 'hub.json');
    writeFileSync(`${path}.new`, `${JSON.stringify(state, undefined, 2)}\n`);
    renameSync(`${path}.new`, path);
  }
}

function readState(path: string): HubState | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
  const state: unknown = JSON.parse(text);
  if (typeof state === 'object' && state !== null) {
    const { createdOn, partitionCount, begin } = state as Partial<Record<keyof HubState, unknown>>;
    if (
      typeof createdOn === 'string' &&
      !Number.isNaN(Date.parse(createdOn)) &&
      typeof partitionCount === 'number' &&
      Array.isArray(begin)
    ) {
      return { createdOn: new Date(createdOn), partitionCount, begin: begin.map(Number) };
    }
  }
  throw new Error(`${path} is not a hub's state: delete the data directory to start afresh`);
}
