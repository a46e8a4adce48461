import { isUtf8 } from 'node:buffer';
import { type Field, field } from '../delta/schema';
import { decodeReasons } from '../streams/stream';

/** The Delta table of what could not become a row. */
export const deadLettersTable = 'dead_letters';

/** Why something is a dead letter: a closed set, explained in docs/dead-letters.md. */
export const letterReasons = [...decodeReasons, 'unreadable', 'expired', 'skipped'] as const;

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

/** Whether a letter stands for a range of events that never came, not for an element of one that came. */
export const isRangeReason = (reason: unknown): boolean => reason === 'expired' || reason === 'skipped';

/** The sequence numbers, both included, in the body of such a letter; undefined when it holds none. */
export function parseRange(body: unknown): { readonly first: number; readonly last: number } | undefined {
  try {
    const { first, last } = JSON.parse(String(body)) ?? {};
    return Number.isSafeInteger(first) && Number.isSafeInteger(last) ? { first, last } : undefined;
  } catch {
    return undefined;
  }
}

/** A body as a letter holds it. */
export interface EncodedBody {
  readonly text: string | null;
  readonly encoding: string | null;
}

/** Bytes that are text stay readable. */
export function encodeBody(body: Uint8Array): EncodedBody {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const encoding = isUtf8(bytes) ? 'utf-8' : 'base64';
  return { text: bytes.toString(encoding), encoding };
}

/** The bytes of a letter's body; null where the table holds none. */
export const decodeBody = (text: string | null, encoding: string | null): Buffer | null =>
  text === null ? null : Buffer.from(text, encoding === 'base64' ? 'base64' : 'utf-8');
