import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import type { SentEvent } from './eventBytes';
import { endOfRecord, isRecordIntact, recordSizeLimit, timeOfRecord, writeRecord } from './logRecord';
import type { StartPosition } from './startPosition';

const blockBytes = 256 * 1024;
const tailBytes = 1024 * 1024;
const scanBytes = 4 * 1024 * 1024;

/** A block of the log: some consecutive records. */
export interface LogBlock {
  /** The sequence number of its first record. */
  sequenceNumber: number;
  position: number;
  count: number;
  length: number;
  lastPosition: number;
  lastTime: number;
  bytes: Buffer | undefined;
  next: LogBlock | undefined;
}

/** The result of resolving a position: the first sequence number to read, or the reason why there is none. */
export type Resolved = { sequenceNumber: number } | { problem: string };

/**
 * The events of one partition, in order.
 *
 * On disk a log is one append-only file of records (logRecord.ts). The n-th record is sequence number n, and a record's
 * position in the file is its event's offset, so both survive a restart. Appending is synchronous: when it returns, the
 * operating system has the bytes, so that nothing is lost if the process is killed. If a crash left the last record half written,
 * it is cut off when the log is opened.
 *
 * In memory the log is a list of blocks of about 256 KiB. If the log is on disk, only the newest blocks keep their bytes, and older
 * ones are read back when a reader needs them. A log without a file keeps all bytes.
 */
export class PartitionLog {
  /** The sequence number of the oldest event that readers still get. */
  begin = 0;
  /** Bytes of a half-written record that opening cut off. */
  readonly tornBytes: number;
  readonly #fd: number | undefined;
  #closed = false;
  #first: LogBlock;
  #last: LogBlock;
  #oldestInMemory: LogBlock;
  #bytesInMemory = 0;

  /**
   * @param path The log's file, created if missing. Without it, all events stay in memory.
   * @param createdOn When the hub was made. No event gets an earlier enqueued time.
   */
  constructor(path?: string, createdOn = new Date(0)) {
    this.#first = emptyBlock(0, 0, createdOn.getTime());
    this.#last = this.#first;
    this.#oldestInMemory = this.#first;
    this.#fd = path === undefined ? undefined : openSync(path, 'a+');
    this.tornBytes = this.#fd === undefined ? 0 : this.#recover(this.#fd);
  }

  /** The sequence number that the next event gets. */
  get nextSequenceNumber(): number {
    return this.#last.sequenceNumber + this.#last.count;
  }

  /** Position and time of the last event. If there is none, the offset is -1 and the time 0. */
  get lastEnqueued(): { sequenceNumber: number; offset: number; time: number } {
    const { lastPosition, lastTime } = this.#last;
    return {
      sequenceNumber: this.nextSequenceNumber - 1,
      offset: lastPosition,
      time: this.nextSequenceNumber === 0 ? 0 : lastTime,
    };
  }

  /**
   * Appends the events with one write.
   *
   * @throws The file system's error. Then none of the events is in the log.
   */
  append(events: readonly SentEvent[], partitionKey: Buffer | undefined): void {
    if (this.#closed) throw new Error('the partition log is closed');
    let needed = 0;
    for (const event of events) {
      needed += recordSizeLimit(event, event.partitionKey ?? partitionKey);
    }
    const { block, bytes } = this.#blockFor(needed);
    const enqueuedTime = Math.max(Date.now(), block.lastTime);
    let lastAt = 0;
    let at = block.length;
    let sequenceNumber = this.nextSequenceNumber;
    for (const event of events) {
      lastAt = at;
      at = writeRecord(bytes, lastAt, event, {
        sequenceNumber,
        offset: block.position + lastAt,
        enqueuedTime,
        partitionKey: event.partitionKey ?? partitionKey,
      });
      sequenceNumber += 1;
    }
    this.#write(bytes.subarray(block.length, at), block.position + block.length);
    block.count += events.length;
    block.length = at;
    block.lastPosition = block.position + lastAt;
    block.lastTime = enqueuedTime;
  }

  /** Expires the events before this sequence number: readers no longer get them. */
  truncate(before: number): void {
    this.begin = Math.min(Math.max(before, this.begin), this.nextSequenceNumber);
    while (this.#first.next && this.#first.sequenceNumber + this.#first.count <= this.begin) {
      this.#first = this.#first.next;
    }
    // Without a file, blocks never leave memory because of their size, so expired ones must be dropped here.
    if (this.#fd === undefined) this.#oldestInMemory = this.#first;
  }

  /** The first event at a position. A position after the last event is a problem, unless it is given as a time. */
  resolve(position: StartPosition): Resolved {
    if (position.from === 'start') return { sequenceNumber: this.begin };
    if (position.from === 'end') return { sequenceNumber: this.nextSequenceNumber };
    const { value, inclusive } = position;
    const last = this.lastEnqueued;
    if (position.from === 'sequenceNumber') {
      if (value > (inclusive ? this.nextSequenceNumber : last.sequenceNumber)) {
        return { problem: describeInvalid('sequence number', value, last.sequenceNumber) };
      }
      return { sequenceNumber: Math.max(this.begin, inclusive ? value : value + 1) };
    }
    if (position.from === 'offset' && value > last.offset) {
      return { problem: describeInvalid('offset', value, last.offset) };
    }
    const byTime = position.from === 'time';
    return {
      sequenceNumber: this.#firstWhere((offset, time) => {
        const found = byTime ? time : offset;
        return inclusive ? found >= value : found > value;
      }),
    };
  }

  /** The block with a sequence number, or the last block. */
  blockOf(sequenceNumber: number): LogBlock {
    let block = this.#first;
    while (block.next && block.sequenceNumber + block.count <= sequenceNumber) block = block.next;
    return block;
  }

  /** The bytes of a block, from memory or from the file. */
  bytesOf(block: LogBlock): Buffer {
    if (block.bytes) return block.bytes;
    if (this.#closed || this.#fd === undefined) throw new Error('the partition log is closed');
    const bytes = Buffer.allocUnsafe(block.length);
    const read = readSync(this.#fd, bytes, 0, block.length, block.position);
    if (read !== block.length) throw new Error('a partition log is shorter than when it was opened');
    return bytes;
  }

  close(): void {
    if (this.#fd !== undefined && !this.#closed) closeSync(this.#fd);
    this.#closed = true;
  }

  #firstWhere(matches: (offset: number, time: number) => boolean): number {
    for (let block: LogBlock | undefined = this.#first; block; block = block.next) {
      if (block.count === 0 || !matches(block.lastPosition, block.lastTime)) continue;
      const bytes = this.bytesOf(block);
      for (let index = 0, at = 0; index < block.count; index += 1) {
        if (matches(block.position + at, timeOfRecord(bytes, at))) {
          return Math.max(this.begin, block.sequenceNumber + index);
        }
        at = endOfRecord(bytes, at);
      }
    }
    return this.nextSequenceNumber;
  }

  #blockFor(needed: number): { block: LogBlock; bytes: Buffer } {
    const open = this.#last;
    if (open.bytes && open.bytes.length - open.length >= needed) return { block: open, bytes: open.bytes };
    const block = emptyBlock(this.nextSequenceNumber, open.position + open.length, open.lastTime);
    block.lastPosition = open.lastPosition;
    const bytes = Buffer.allocUnsafeSlow(Math.max(blockBytes, needed));
    block.bytes = bytes;
    open.next = block;
    this.#last = block;
    this.#bytesInMemory += bytes.length;
    while (this.#fd !== undefined && this.#bytesInMemory > tailBytes && this.#oldestInMemory !== block) {
      this.#forgetOldest();
    }
    return { block, bytes };
  }

  #forgetOldest(): void {
    this.#bytesInMemory -= this.#oldestInMemory.bytes?.length ?? 0;
    this.#oldestInMemory.bytes = undefined;
    this.#oldestInMemory = this.#oldestInMemory.next ?? this.#oldestInMemory;
  }

  #write(bytes: Buffer, position: number): void {
    if (this.#fd === undefined) return;
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.#fd, bytes, done);
    } catch (error) {
      ftruncateSync(this.#fd, position);
      throw error;
    }
  }

  #recover(fd: number): number {
    const size = fstatSync(fd).size;
    const buffer = Buffer.allocUnsafe(Math.min(size, scanBytes));
    let position = 0;
    while (position < size) {
      const chunk = buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, position));
      const end = this.#indexRecords(chunk, position);
      if (end === 0) break;
      position += end;
    }
    if (position < size) ftruncateSync(fd, position);
    this.#oldestInMemory = this.#last;
    return size - position;
  }

  /** Indexes the complete and intact records of a chunk. Returns the position in the chunk where they end. */
  #indexRecords(chunk: Buffer, position: number): number {
    let at = 0;
    while (isRecordIntact(chunk, at)) {
      const end = endOfRecord(chunk, at);
      if (this.#last.length >= blockBytes) {
        this.#last.next = emptyBlock(this.nextSequenceNumber, position + at, this.#last.lastTime);
        this.#last = this.#last.next;
      }
      this.#last.count += 1;
      this.#last.length += end - at;
      this.#last.lastPosition = position + at;
      this.#last.lastTime = timeOfRecord(chunk, at);
      at = end;
    }
    return at;
  }
}

function emptyBlock(sequenceNumber: number, position: number, lastTime: number): LogBlock {
  return {
    sequenceNumber,
    position,
    count: 0,
    length: 0,
    lastPosition: -1,
    lastTime,
    bytes: undefined,
    next: undefined,
  };
}

function describeInvalid(what: string, value: number, last: number): string {
  return `The supplied ${what} '${value}' is invalid. The last ${what} in the system is '${last}'`;
}
