import { isUtf8 } from 'node:buffer';
import { type Field, field } from '../delta/schema';
import { jsonValue } from '../jsonObject';
import { decodeReasons } from '../streams/stream';
import { enqueuedAtColumn } from './rowAddress';

/**
 * The Delta table of dead letters. A dead letter is an element of an event that could not become a row, or a range of events that never
 * came.
 */
export const deadLettersTable = 'dead_letters';

/** All reasons why something is a dead letter. docs/dead-letters.md explains them. */
export const letterReasons = [...decodeReasons, 'unreadable', 'expired', 'skipped', 'erased'] as const;

export type LetterReason = (typeof letterReasons)[number];

/**
 * The columns of dead_letters. A letter is written before the commit that moves past its event, so after a crash it may be there
 * more than once. Its key is (stream, hub_created_at, hub_partition, sequence_number, element). A letter is settled if the stream's
 * table has a row with that key. Only the first letter of an event has its body. A letter with the reason `expired` or `skipped`
 * stands for the range of sequence numbers in its body, `{"first":17,"last":20}`.
 */
export const letterFields: readonly Field[] = [
  field('stream', 'string', false),
  field('hub_created_at', 'timestamp', false),
  field('hub_partition', 'integer', false),
  field('sequence_number', 'long', false),
  field('element', 'integer', false),
  field(enqueuedAtColumn, 'timestamp'),
  field('reason', 'string', false),
  field('detail', 'string', false),
  field('body', 'string'),
  field('body_encoding', 'string'),
  field('received_at', 'timestamp', false),
];

/** Whether a letter with this reason stands for a range of events that never came, instead of an element of an event. */
export const isRangeReason = (reason: unknown): boolean => reason === 'expired' || reason === 'skipped';

/** The range of sequence numbers in the body of a letter about a range, both ends included; undefined if the body has none. */
export function parseRange(body: unknown): { readonly first: number; readonly last: number } | undefined {
  const { first, last } = (jsonValue(String(body)) ?? {}) as Partial<Record<string, unknown>>;
  return Number.isSafeInteger(first) && Number.isSafeInteger(last)
    ? { first: Number(first), last: Number(last) }
    : undefined;
}

/** The encoding in which a letter stores a body. UTF-8 text is stored as it is, so that it stays readable, and other bytes in base64. */
export const encodingOf = (body: Uint8Array): 'utf-8' | 'base64' => (isUtf8(body) ? 'utf-8' : 'base64');

/** The bytes of a letter's body; null if it has none. */
export const decodeBody = (text: string | null, encoding: string | null): Buffer | null =>
  text === null ? null : Buffer.from(text, encoding === 'base64' ? 'base64' : 'utf-8');
