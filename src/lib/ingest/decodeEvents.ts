import { integerRanges, valueProblem } from '../delta/parquet/validate';
import type { Field } from '../delta/schema';
import { fieldsOf, rescuedColumn } from '../lake/rowAddress';
import { type Decoded, isRow, type Rejected, type Row, type Stream } from '../streams/stream';
import type { TriggerEvent } from './triggerBatch';

/** One decoded event: its rows and its rejected elements, each with its position in the body. */
export interface DecodedEvent {
  readonly sequenceNumber: number;
  /** Microseconds since 1970. */
  readonly enqueuedAt: number;
  readonly body: Uint8Array;
  readonly rows: readonly Row[];
  /** The rows' positions in the body, where they are not simply 0, 1, 2 and so on. */
  readonly positions?: readonly number[];
  readonly rejected: readonly RejectedElement[];
}

export interface RejectedElement extends Omit<Rejected, 'reason'> {
  readonly element: number;
  readonly reason: Rejected['reason'] | 'unreadable';
}

/** The most letters of one event. Without a limit, a megabyte of garbage would become half a million letters. */
const mostRejected = 1000;

const none: readonly RejectedElement[] = [];

/**
 * Decodes every event of a batch. Nothing is thrown and nothing is dropped: rows + rejected = elements. A value that its
 * column cannot hold is found here, by the checks that the Parquet writer itself applies.
 */
export const decodeEvents = (stream: Stream, events: readonly TriggerEvent[]): DecodedEvent[] =>
  eventDecoder(stream)(events);

/** What `decodeEvents` does, for callers that pass a stream's events one by one. */
export function eventDecoder(stream: Stream): (events: readonly TriggerEvent[]) => DecodedEvent[] {
  const problemOf = rowCheck(fieldsOf([...stream.columns, rescuedColumn]));
  return (events) =>
    events.map(({ body, sequenceNumber, enqueuedAt }) => {
      const elements = decodeBody(stream, body);
      for (const element of elements) {
        if (isRow(element) && problemOf(element) === undefined) continue;
        return { sequenceNumber, enqueuedAt, body, ...sortOut(elements, problemOf) };
      }
      // Almost always: all are rows, and nothing has to be copied.
      return { sequenceNumber, enqueuedAt, body, rows: elements as readonly Row[], rejected: none };
    });
}

function sortOut(
  elements: Decoded,
  problemOf: RowCheck,
): Pick<DecodedEvent, 'rows' | 'positions' | 'rejected'> {
  const rows: Row[] = [];
  const positions: number[] = [];
  const rejected: RejectedElement[] = [];
  for (const [element, decoded] of elements.entries()) {
    const problem = isRow(decoded) ? problemOf(decoded) : decoded;
    if (problem) {
      rejected.push({ element, reason: problem.reason, detail: problem.detail });
    } else {
      rows.push(decoded as Row);
      positions.push(element);
    }
  }
  if (rejected.length <= mostRejected) return { rows, positions, rejected };
  // The whole event as one letter. Replay takes it up when all of its elements are rows.
  const [first] = rejected;
  const detail = `${rejected.length} of ${elements.length} elements are no rows, the first: ${first?.reason}: ${first?.detail}`;
  return { rows: [], rejected: [{ element: 0, reason: 'too-many', detail }] };
}

/** Calls the stream's decode. If it throws, which it must not, the event becomes a dead letter, so that the batch does not fail. */
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

type RowCheck = (row: Row) => Rejected | undefined;

/** Types of which every safe integer within the bounds is a value. */
const numberBounds: Partial<Record<string, readonly [number, number]>> = {
  ...integerRanges,
  long: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  // The safe integers among its microseconds reach from the year 1684 to 2255.
  timestamp: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
};

/**
 * What `valueProblem` says of each value, with whole numbers, which most values are, checked in a few comparisons.
 * @param fields the stream's, and that of the rescued fields, whose value may be missing
 */
function rowCheck(fields: readonly Field[]): RowCheck {
  const bounds = fields.map(({ type }) => numberBounds[String(type)] ?? [1, 0]);
  const own = fields.length - 1;
  return (row) => {
    if (row.length !== own && row.length !== fields.length) {
      return { reason: 'decode-failed', detail: `${row.length} values for ${own} columns` };
    }
    for (let index = 0; index < row.length; index++) {
      const value = row[index];
      const [low, high] = bounds[index] as readonly [number, number];
      if (typeof value === 'number' && value >= low && value <= high && Number.isInteger(value)) continue;
      const column = fields[index] as Field;
      const problem = valueProblem(column, value);
      if (problem !== undefined) return { reason: 'out-of-range', detail: `${column.name}: ${problem}` };
    }
    return undefined;
  };
}
