import { ColumnBuilder } from '../delta/columnBuilder';
import type { ColumnValues } from '../delta/columnValues';
import type { Field } from '../delta/schema';
import type { Row } from '../streams/stream';
import type { DecodedEvent } from './decodeEvents';

/** The partition that rows come from, and its generation. */
interface RowSource {
  /** Microseconds since 1970. */
  readonly hubCreatedAt: number;
  readonly partition: number;
}

/** The members of an event that are part of a row's address. */
type EventAddress = Pick<DecodedEvent, 'enqueuedAt' | 'sequenceNumber'>;

/** Collects rows as columns of `tableFields`: the stream's own columns, the address, and the rescued fields. */
export class RowColumns {
  readonly #own: readonly ColumnBuilder[];
  readonly #enqueuedAt: ColumnBuilder;
  readonly #hubCreatedAt: ColumnBuilder;
  readonly #hubPartition: ColumnBuilder;
  readonly #sequenceNumber: ColumnBuilder;
  readonly #elements: ColumnBuilder;
  readonly #rescued: ColumnBuilder;
  readonly #all: readonly ColumnBuilder[];
  /** Rows of the events that were added last. They are added to the columns together. */
  #pending: Pending | undefined;

  /**
   * @param fields of the table, as `tableFields` gives them
   * @param capacity how many rows are expected. More rows can be added too
   */
  constructor(fields: readonly Field[], capacity = 0) {
    const all = fields.map(({ type }) => new ColumnBuilder(type, capacity));
    const [address, own] = [all.slice(-6), all.slice(0, -6)];
    [
      this.#enqueuedAt,
      this.#hubCreatedAt,
      this.#hubPartition,
      this.#sequenceNumber,
      this.#elements,
      this.#rescued,
    ] = address as SixColumns;
    this.#own = own;
    this.#all = all;
  }

  /** The rows so far. */
  get columns(): readonly ColumnValues[] {
    this.#addPending();
    return this.#all.map((column) => column.finish());
  }

  get count(): number {
    return this.#elements.length;
  }

  /** Adds all rows of an event. */
  pushEvent(hub: RowSource, event: DecodedEvent): void {
    const { columns, start, end, positions, enqueuedAt, sequenceNumber } = event;
    for (let row = start; row < end; row++) {
      this.#enqueuedAt.pushNumber(enqueuedAt);
      this.#sequenceNumber.pushNumber(sequenceNumber);
      this.#elements.pushNumber(positions?.[row - start] ?? row - start);
    }
    const pending = this.#pending;
    if (pending && pending.hub === hub && pending.columns === columns && pending.end === start)
      pending.end = end;
    else {
      this.#addPending();
      this.#pending = { hub, columns, start, end };
    }
  }

  /** Adds one row. */
  push(hub: RowSource, event: EventAddress, element: number, values: Row): void {
    this.#addPending();
    const own = this.#own;
    for (let column = 0; column < own.length; column++) own[column]?.push(values[column] ?? null);
    this.#rescued.push(values[own.length] ?? null);
    this.#enqueuedAt.pushNumber(event.enqueuedAt);
    this.#hubCreatedAt.pushNumber(hub.hubCreatedAt);
    this.#hubPartition.pushNumber(hub.partition);
    this.#sequenceNumber.pushNumber(event.sequenceNumber);
    this.#elements.pushNumber(element);
  }

  #addPending(): void {
    const pending = this.#pending;
    if (!pending) return;
    this.#pending = undefined;
    const { hub, columns, start, end } = pending;
    for (const [index, target] of [...this.#own, this.#rescued].entries())
      target.append(columns[index]?.finish() ?? [], start, end);
    this.#hubCreatedAt.fill(hub.hubCreatedAt, end - start);
    this.#hubPartition.fill(hub.partition, end - start);
  }
}

/** Rows of one partition that lie one after the other. */
interface Pending {
  readonly hub: RowSource;
  readonly columns: DecodedEvent['columns'];
  readonly start: number;
  /** The index after the last row. */
  end: number;
}

type SixColumns = [ColumnBuilder, ColumnBuilder, ColumnBuilder, ColumnBuilder, ColumnBuilder, ColumnBuilder];
