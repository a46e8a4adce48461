import { isUtf8 } from 'node:buffer';
import { type Field, field, type Value } from '../delta/schema';
import { decodeReasons } from '../streams/stream';
import type { DecodedEvent } from './decodeEvents';
import type { Gap } from './gaps';
import type { PartitionBatch } from './round';

/** The Delta table of what could not become a row. */
export const deadLettersTable = 'dead_letters';

/** Why something is a dead letter: a closed set, explained in docs/dead-letters.md. */
export const letterReasons = [...decodeReasons, 'expired', 'skipped'] as const;

export type LetterReason = (typeof letterReasons)[number];

/**
 * The columns of dead_letters. A letter is written before the commit that moves past it, so it may be there more than
 * once: (stream, hub_created_at, hub_partition, sequence_number, element) tells letters apart. A letter whose key is also
 * a row is settled. The body stands with an event's first letter; `expired` and `skipped` stand for the range of
 * sequence numbers in their body, `{"first":17,"last":20}`.
 */
export const letterFields: readonly Field[] = [
  field('stream', 'string', false),
  field('hub_created_at', 'timestamp', false),
  field('hub_partition', 'integer', false),
  field('sequence_number', 'long', false),
  field('element', 'integer', false),
  field('enqueued_at', 'timestamp'),
  field('reason', 'string', false),
  field('detail', 'string', false),
  field('body', 'string'),
  field('body_encoding', 'string'),
  field('received_at', 'timestamp', false),
];

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

interface EncodedBody {
  readonly text: string | null;
  readonly encoding: string | null;
}

const noBody: EncodedBody = { text: null, encoding: null };

/** Bytes that are text stay readable. */
function encodeBody(body: Uint8Array): EncodedBody {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const encoding = isUtf8(bytes) ? 'utf-8' : 'base64';
  return { text: bytes.toString(encoding), encoding };
}

/** The bytes of a letter's body; null where the table holds none. */
export const decodeBody = (text: string | null, encoding: string | null): Buffer | null =>
  text === null ? null : Buffer.from(text, encoding === 'base64' ? 'base64' : 'utf-8');
