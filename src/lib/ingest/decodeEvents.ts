import { valueProblem } from '../delta/parquet/validate';
import { type Field, field } from '../delta/schema';
import { isRow, type Rejected, type Row, type Stream } from '../streams/stream';
import type { TriggerEvent } from './triggerBatch';

/** One event, decoded: its rows and what could not be one, each with its position in the body. */
export interface DecodedEvent {
  readonly sequenceNumber: number;
  /** Microseconds since 1970. */
  readonly enqueuedAt: number;
  readonly body: Uint8Array;
  readonly rows: readonly { readonly element: number; readonly values: Row }[];
  readonly rejected: readonly RejectedElement[];
}

export interface RejectedElement extends Rejected {
  readonly element: number;
}

/** Beyond it a megabyte of garbage would become half a million letters. */
const mostRejected = 1000;

const none: readonly RejectedElement[] = [];

/**
 * Decodes every event of a batch. Nothing is thrown and nothing is dropped: rows + rejected = elements. A value that its
 * column cannot hold is found here, by the checks that the Parquet writer itself applies.
 */
export function decodeEvents(stream: Stream, events: readonly TriggerEvent[]): DecodedEvent[] {
  const fields = stream.columns.map(({ name, type, nullable }) => field(name, type, nullable));
  return events.map(({ body, sequenceNumber, enqueuedAt }) => {
    const rows: { element: number; values: Row }[] = [];
    let rejected: RejectedElement[] | undefined;
    const elements = decodeBody(stream, body);
    for (let element = 0; element < elements.length; element++) {
      const decoded = elements[element] as Row | Rejected;
      const problem = isRow(decoded) ? rowProblem(fields, decoded) : decoded;
      if (problem === undefined) {
        rows.push({ element, values: decoded as Row });
      } else {
        rejected ??= [];
        rejected.push({ element, reason: problem.reason, detail: problem.detail });
      }
    }
    if (rejected && rejected.length > mostRejected)
      return tooMany({ sequenceNumber, enqueuedAt, body, rows, rejected });
    return { sequenceNumber, enqueuedAt, body, rows, rejected: rejected ?? none };
  });
}

/** The whole event as one letter. Replay takes it up when all of its elements are rows. */
function tooMany({ sequenceNumber, enqueuedAt, body, rows, rejected }: DecodedEvent): DecodedEvent {
  const elements = rows.length + rejected.length;
  const detail = `${rejected.length} of ${elements} elements are no rows, the first: ${rejected[0]?.reason}: ${rejected[0]?.detail}`;
  return {
    sequenceNumber,
    enqueuedAt,
    body,
    rows: [],
    rejected: [{ element: 0, reason: 'too-many', detail }],
  };
}

/** A stream's decode must not throw; where it does all the same, the event is a dead letter and not a batch that never ends. */
function decodeBody(stream: Stream, body: Uint8Array): readonly (Row | Rejected)[] {
  try {
    const elements = stream.decode(body);
    if (elements.length > 0) return elements;
    return [{ reason: 'decode-failed', detail: `the decoder of ${stream.name} returned no element` }];
  } catch (error) {
    return [
      {
        reason: 'decode-failed',
        detail: `the decoder of ${stream.name} threw: ${String(error)}`.slice(0, 300),
      },
    ];
  }
}

function rowProblem(fields: readonly Field[], row: Row): Rejected | undefined {
  if (row.length !== fields.length) {
    return { reason: 'decode-failed', detail: `${row.length} values for ${fields.length} columns` };
  }
  for (let index = 0; index < fields.length; index++) {
    const column = fields[index] as Field;
    const problem = valueProblem(column, row[index]);
    if (problem !== undefined) return { reason: 'out-of-range', detail: `${column.name}: ${problem}` };
  }
  return undefined;
}
