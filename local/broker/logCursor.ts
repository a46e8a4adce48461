import { endOfRecord, messageOfRecord } from './logRecord';
import type { LogBlock, PartitionLog } from './partitionLog';

/** A position in a partition's log. It stays valid while the log grows at its end and expires at its beginning. */
export class LogCursor {
  readonly #log: PartitionLog;
  #block: LogBlock;
  #bytes: Buffer | undefined;
  #at = 0;
  #sequenceNumber = 0;

  /** Begins before the event with this sequence number. */
  constructor(log: PartitionLog, sequenceNumber: number) {
    this.#log = log;
    this.#block = log.blockOf(sequenceNumber);
    this.#seek(sequenceNumber);
  }

  /** The bytes of the next event to send; undefined at the end of the log. */
  next(): Buffer | undefined {
    if (this.#sequenceNumber < this.#log.begin) this.#seek(this.#log.begin);
    return this.#step();
  }

  #seek(sequenceNumber: number): void {
    this.#enter(this.#log.blockOf(sequenceNumber));
    this.#sequenceNumber = this.#block.sequenceNumber;
    while (this.#sequenceNumber < sequenceNumber) {
      if (!this.#step()) return;
    }
  }

  #enter(block: LogBlock): void {
    this.#block = block;
    this.#bytes = undefined;
    this.#at = 0;
  }

  #step(): Buffer | undefined {
    while (this.#at >= this.#block.length) {
      if (!this.#block.next) return undefined;
      this.#enter(this.#block.next);
    }
    // Keep the bytes here, because the log may drop the bytes of a block while a reader is in it.
    this.#bytes ??= this.#log.bytesOf(this.#block);
    const start = this.#at;
    this.#at = endOfRecord(this.#bytes, start);
    this.#sequenceNumber += 1;
    return messageOfRecord(this.#bytes, start, this.#at);
  }
}
