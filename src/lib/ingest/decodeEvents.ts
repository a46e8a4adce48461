import { ColumnBuilder } from '../delta/columnBuilder';
import { integerRanges, valueProblem } from '../delta/parquet/validate';
import type { Field } from '../delta/schema';
import { fieldsOf, rescuedColumn } from '../lake/rowAddress';
import { spanEnd, spanStart } from '../streams/flatObject';
import {
  type Decoded,
  type FlatReader,
  isRow,
  type Rejected,
  type Row,
  type Stream,
} from '../streams/stream';
import type { TriggerEvent } from './triggerBatch';

/** One decoded event: its rows and its rejected elements, each with its position in the body. */
export interface DecodedEvent extends RowRange {
  readonly sequenceNumber: number;
  /** Microseconds since 1970. */
  readonly enqueuedAt: number;
  readonly body: Uint8Array;
  readonly rejected: readonly RejectedElement[];
}

/** Rows that stand together in columns which several events share. */
export interface RowRange {
  /** The columns that the stream declares, and the column of the rescued fields. */
  readonly columns: readonly ColumnBuilder[];
  readonly start: number;
  /** The index after the last row. */
  readonly end: number;
  /** The rows' positions in the body; undefined if they are 0, 1, 2 and so on. */
  readonly positions: readonly number[] | undefined;
}

export const noRows: RowRange = { columns: [], start: 0, end: 0, positions: undefined };

export interface RejectedElement extends Omit<Rejected, 'reason'> {
  readonly element: number;
  readonly reason: Rejected['reason'] | 'unreadable';
}

/** The most letters of one event. Without a limit, a megabyte of garbage would become half a million letters. */
const mostRejected = 1000;

const none: readonly RejectedElement[] = [];

/**
 * Decodes every event of a batch into columns. Nothing is thrown and nothing is dropped: each element becomes a row or is rejected. A value
 * that its column cannot hold is found here, by the same checks that the Parquet writer uses.
 */
export function decodeEvents(stream: Stream, events: readonly TriggerEvent[]): DecodedEvent[] {
  const rows = new RowDecoder(stream, events);
  const decoded: DecodedEvent[] = [];
  for (const { body, sequenceNumber, enqueuedAt } of events) {
    const start = rows.count;
    const { positions, rejected } = rows.addNext();
    const { columns, count: end } = rows;
    decoded.push({ sequenceNumber, enqueuedAt, body, rejected, columns, start, end, positions });
  }
  rows.finish();
  return decoded;
}

/** The fields of the columns that bodies are decoded into. */
const decodedFields = ({ columns }: Stream): Field[] => fieldsOf([...columns, rescuedColumn]);

/** The parts of a decoded event that are not in the columns. */
type AfterRows = Pick<DecodedEvent, 'positions' | 'rejected'>;

const oneRow: AfterRows = { positions: undefined, rejected: none };

/** Decodes the bodies of events, one after the other, into columns. */
class RowDecoder {
  readonly columns: readonly ColumnBuilder[];
  readonly #decode: (body: Uint8Array) => DecodedBody;
  readonly #events: readonly TriggerEvent[];
  /** The index of the event that is decoded next. */
  #next = 0;
  readonly #readFlat: FlatReader | undefined;
  readonly #width: number;
  /** For each column, whether its values are texts. */
  readonly #texts: readonly boolean[];
  /** The rows that were read last in the fast way, one after the other. They are added to the columns together. */
  readonly #flat: Float64Array;
  #flatRows = 0;
  #count = 0;

  constructor(stream: Stream, events: readonly TriggerEvent[]) {
    const capacity = events.length;
    this.#events = events;
    this.columns = decodedFields(stream).map(({ type }) => new ColumnBuilder(type, capacity));
    this.#decode = bodyDecoder(stream);
    this.#readFlat = stream.readFlat;
    this.#width = stream.columns.length;
    this.#texts = stream.columns.map(({ type }) => type === 'string');
    this.#flat = new Float64Array(this.#readFlat ? capacity * this.#width : 0);
  }

  /** The number of rows so far. */
  get count(): number {
    return this.#count;
  }

  /** Decodes the next body and adds its rows. */
  addNext(): AfterRows {
    const { body } = this.#events[this.#next] as TriggerEvent;
    if (this.#readFlat?.(body, this.#flat, this.#flatRows * this.#width)) {
      this.#next++;
      this.#flatRows++;
      this.#count++;
      return oneRow;
    }
    this.finish();
    this.#next++;
    const { rows, positions, rejected } = this.#decode(body);
    for (const row of rows)
      for (const [index, column] of this.columns.entries()) column.push(row[index] ?? null);
    this.#count += rows.length;
    return { positions, rejected };
  }

  /** Makes the columns complete. */
  finish(): void {
    const rows = this.#flatRows;
    this.#flatRows = 0;
    if (rows === 0) return;
    const width = this.#width;
    for (const [index, isText] of this.#texts.entries()) {
      const column = this.columns[index];
      if (isText) this.#appendTexts(column, index, rows);
      else column?.appendEvery(this.#flat, index, width, rows);
    }
    this.columns[width]?.fill(null, rows);
  }

  /** Adds the texts of the rows that were read in the fast way. Their bytes are still in the bodies. */
  #appendTexts(column: ColumnBuilder | undefined, index: number, rows: number): void {
    const first = this.#next - rows;
    for (let row = 0; row < rows; row++) {
      const { body } = this.#events[first + row] as TriggerEvent;
      const span = this.#flat[row * this.#width + index] as number;
      if (Number.isNaN(span)) column?.push(null);
      else column?.pushUtf8(body, spanStart(span), spanEnd(span));
    }
  }
}

/** The decoded contents of one body. */
export interface DecodedBody {
  readonly rows: readonly Row[];
  /** The rows' positions in the body; undefined if they are 0, 1, 2 and so on. */
  readonly positions: readonly number[] | undefined;
  readonly rejected: readonly RejectedElement[];
}

/** Decodes bodies of a stream one by one, with the checks of `decodeEvents`. */
export function bodyDecoder(stream: Stream): (body: Uint8Array) => DecodedBody {
  const problemOf = rowCheck(decodedFields(stream));
  return (body) => {
    const elements = decodeBody(stream, body);
    for (const element of elements)
      if (!isRow(element) || problemOf(element) !== undefined) return sortOut(elements, problemOf);
    // Nearly always all elements are rows, so nothing has to be copied.
    return { rows: elements as readonly Row[], positions: undefined, rejected: none };
  };
}

function sortOut(elements: Decoded, problemOf: RowCheck): DecodedBody {
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
  // The whole event becomes one letter. Replay uses it once all of its elements are rows.
  const [first] = rejected;
  const detail = `${rejected.length} of ${elements.length} elements are no rows, the first: ${first?.reason}: ${first?.detail}`;
  return { rows: [], positions: undefined, rejected: [{ element: 0, reason: 'too-many', detail }] };
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

/** For each type of numbers, bounds within which every safe integer is a value of the type. */
const numberBounds: Partial<Record<string, readonly [number, number]>> = {
  ...integerRanges,
  long: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  // As microseconds, the safe integers reach from the year 1684 to 2255.
  timestamp: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
};

/**
 * Finds what is wrong with a row's values, like `valueProblem`. Most values are whole numbers, which are checked with a few comparisons.
 * @param fields those of the stream, and last the one of the rescued fields, whose value may be missing
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
