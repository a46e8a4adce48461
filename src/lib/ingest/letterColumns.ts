import type { Value } from '../delta/schema';
import { type EncodedBody, encodeBody, type LetterReason, letterFields } from '../lake/deadLetters';
import type { DecodedEvent } from './decodeEvents';
import type { Gap } from './gaps';
import type { PartitionBatch } from './partitionBatch';

/** Collects a round's letters as columns of `letterFields`. */
export class LetterColumns {
  readonly columns: Value[][] = letterFields.map(() => []);
  readonly #stream: string;
  /** Microseconds since 1970. */
  readonly #receivedAt = Date.now() * 1000;

  constructor(stream: string) {
    this.#stream = stream;
  }

  get count(): number {
    return this.columns[0]?.length ?? 0;
  }

  /** A letter for each element of the event that is no row. */
  addRejected(batch: PartitionBatch, { sequenceNumber, enqueuedAt, body, rejected }: DecodedEvent): void {
    for (const [index, { element, reason, detail }] of rejected.entries()) {
      // A thousand bad elements of one body must not store it a thousand times.
      const encoded = index === 0 ? encodeBody(body) : noBody;
      this.#add(batch, sequenceNumber, element, enqueuedAt, reason, detail, encoded);
    }
  }

  /** One letter for a range that never came, at its first sequence number. */
  addGap(batch: PartitionBatch, { first, last, reason }: Gap): void {
    const body = { text: JSON.stringify({ first, last }), encoding: 'utf-8' };
    this.#add(batch, first, 0, null, reason, `${last - first + 1} events from ${first} to ${last}`, body);
  }

  #add(
    { hubCreatedAt, partition }: PartitionBatch,
    sequenceNumber: number,
    element: number,
    enqueuedAt: number | null,
    reason: LetterReason,
    detail: string,
    body: EncodedBody,
  ): void {
    const address: Value[] = [this.#stream, hubCreatedAt, partition, sequenceNumber, element, enqueuedAt];
    const content: Value[] = [reason, detail.toWellFormed(), body.text, body.encoding, this.#receivedAt];
    for (const [index, value] of [...address, ...content].entries()) this.columns[index]?.push(value);
  }
}

const noBody: EncodedBody = { text: null, encoding: null };
