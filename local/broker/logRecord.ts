import { crc32 } from 'node:zlib';
import { readLong, writeLong } from './amqpBytes';
import { type SentEvent, type Stamp, storedSizeLimit, writeEvent } from './eventBytes';

/*
 * A record of a partition's log holds one event:
 *
 *     u32  length of the message
 *     u32  CRC-32 of all that follows
 *     i64  enqueued time, milliseconds since 1970
 *     the message as readers get it
 *
 * Numbers are big-endian.
 */
const headerBytes = 16;
const checkedFrom = 8;

/** An upper limit of the length of the event's record. */
export function recordSizeLimit(event: SentEvent, partitionKey: Buffer | undefined): number {
  return headerBytes + storedSizeLimit(event, partitionKey);
}

/** Writes the record of an event. Returns the position after it. */
export function writeRecord(target: Buffer, at: number, event: SentEvent, stamp: Stamp): number {
  const end = writeEvent(target, at + headerBytes, event, stamp);
  target.writeUInt32BE(end - at - headerBytes, at);
  writeLong(target, at + checkedFrom, stamp.enqueuedTime);
  target.writeUInt32BE(crc32(target.subarray(at + checkedFrom, end)), at + 4);
  return end;
}

/** The end of the record that begins at `at`. */
export function endOfRecord(bytes: Buffer, at: number): number {
  return at + headerBytes + bytes.readUInt32BE(at);
}

/** Whether a complete and undamaged record begins at `at`. */
export function isRecordIntact(bytes: Buffer, at: number): boolean {
  if (at + headerBytes > bytes.length) return false;
  const end = endOfRecord(bytes, at);
  return end <= bytes.length && bytes.readUInt32BE(at + 4) === crc32(bytes.subarray(at + checkedFrom, end));
}

/** When the event was enqueued, in milliseconds since 1970. */
export function timeOfRecord(bytes: Buffer, at: number): number {
  return readLong(bytes, at + checkedFrom);
}

/** The message in the record at `[at, end)`. */
export function messageOfRecord(bytes: Buffer, at: number, end: number): Buffer {
  return bytes.subarray(at + headerBytes, end);
}
