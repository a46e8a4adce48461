import { ColumnBuilder } from '../delta/columnBuilder';
import type { ColumnValues } from '../delta/columnValues';
import type { Value } from '../delta/schema';
import { encodingOf, type LetterReason, letterFields } from '../lake/deadLetters';
import type { DecodedEvent } from './decodeEvents';
import type { Gap } from './gaps';
import type { PartitionBatch } from './partitionBatch';

const bodyColumn = letterFields.findIndex(({ name }) => name === 'body');

/** Collects the letters of a round as columns of `letterFields`. */
export class LetterColumns {
  readonly #columns = letterFields.map(({ type }) => new ColumnBuilder(type));
  readonly #stream: string;
  /** Microseconds since 1970. */
  readonly #receivedAt = Date.now() * 1000;

  constructor(stream: string) {
    this.#stream = stream;
  }

  /** The letters so far. */
  get columns(): readonly ColumnValues[] {
    return this.#columns.map((column) => column.finish());
  }

  get count(): number {
    return this.#columns[0]?.length ?? 0;
  }

  /** Adds a letter for each element of the event that is no row. */
  addRejected(batch: PartitionBatch, { sequenceNumber, enqueuedAt, body, rejected }: DecodedEvent): void {
    for (const [index, { element, reason, detail }] of rejected.entries()) {
      // Only the first letter gets the body, so that a body with a thousand bad elements is not stored a thousand times.
      const stored = index === 0 ? body : undefined;
      this.#add(batch, sequenceNumber, element, enqueuedAt, reason, detail, stored);
    }
  }

  /** Adds one letter for a range that never came. It gets the first sequence number of the range. */
  addGap(batch: PartitionBatch, { first, last, reason }: Gap): void {
    const body = Buffer.from(JSON.stringify({ first, last }));
    this.#add(batch, first, 0, null, reason, `${last - first + 1} events from ${first} to ${last}`, body);
  }

  #add(
    { hubCreatedAt, partition }: PartitionBatch,
    sequenceNumber: number,
    element: number,
    enqueuedAt: number | null,
    reason: LetterReason,
    detail: string,
    body: Uint8Array | undefined,
  ): void {
    const encoding = body ? encodingOf(body) : null;
    const address: Value[] = [this.#stream, hubCreatedAt, partition, sequenceNumber, element, enqueuedAt];
    const content: Value[] = [reason, detail.toWellFormed(), null, encoding, this.#receivedAt];
    for (const [index, value] of [...address, ...content].entries()) {
      const column = this.#columns[index];
      if (index !== bodyColumn || !body) column?.push(value);
      else if (encoding === 'utf-8') column?.pushUtf8(body, 0, body.length);
      else column?.push(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('base64'));
    }
  }
}
