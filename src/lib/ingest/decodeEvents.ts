import { isRow, type Rejected, type Row, type Stream } from '../streams/stream';
import type { TriggerEvent } from './triggerBatch';

/** One event, decoded: its rows and what could not be one, each with its position in the body. */
export interface DecodedEvent {
  readonly sequenceNumber: number;
  /** Microseconds since 1970. */
  readonly enqueuedAt: number;
  readonly rows: readonly { readonly element: number; readonly values: Row }[];
  readonly letters: readonly DeadLetter[];
}

export interface DeadLetter extends Rejected {
  readonly element: number;
}

/** Decodes every event of a batch. Nothing is thrown and nothing is dropped: rows + letters = elements. */
export const decodeEvents = (stream: Stream, events: readonly TriggerEvent[]): DecodedEvent[] =>
  events.map(({ body, sequenceNumber, enqueuedAt }) => {
    const rows: { element: number; values: Row }[] = [];
    const letters: DeadLetter[] = [];
    const elements = stream.decode(body);
    for (let element = 0; element < elements.length; element++) {
      const decoded = elements[element] as Row | Rejected;
      if (isRow(decoded)) rows.push({ element, values: decoded });
      else letters.push({ ...decoded, element });
    }
    return { sequenceNumber, enqueuedAt, rows, letters };
  });
