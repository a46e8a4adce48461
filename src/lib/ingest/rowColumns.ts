import type { Value } from '../delta/schema';
import type { Row } from '../streams/stream';
import type { DecodedEvent } from './decodeEvents';

/** The partition, in its generation, that rows come from. */
interface RowSource {
  /** Microseconds since 1970. */
  readonly hubCreatedAt: number;
  readonly partition: number;
}

/** Collects rows as columns of `tableFields`: the stream's own, the address, and the rescued fields. */
export class RowColumns {
  readonly #own: readonly Value[][];
  readonly #enqueuedAt: Value[] = [];
  readonly #hubCreatedAt: Value[] = [];
  readonly #hubPartition: Value[] = [];
  readonly #sequenceNumber: Value[] = [];
  readonly #elements: Value[] = [];
  /** Ends with the last row that has rescued fields; hardly any row has. */
  readonly #rescued: Value[] = [];

  /** @param width number of the stream's own columns */
  constructor(width: number) {
    this.#own = Array.from({ length: width }, () => []);
  }

  /** The rows so far. */
  get columns(): readonly (readonly Value[])[] {
    return [
      ...this.#own,
      this.#enqueuedAt,
      this.#hubCreatedAt,
      this.#hubPartition,
      this.#sequenceNumber,
      this.#elements,
      this.#rescued.concat(nulls(this.count - this.#rescued.length)),
    ];
  }

  get count(): number {
    return this.#elements.length;
  }

  /** All rows of an event. Times in microseconds since 1970. */
  pushEvent(hub: RowSource, event: DecodedEvent): void {
    const { rows, positions } = event;
    for (let row = 0; row < rows.length; row++) {
      this.push(hub, event, positions?.[row] ?? row, rows[row] as Row);
    }
  }

  push(hub: RowSource, event: DecodedEvent, element: number, values: Row): void {
    const own = this.#own;
    for (let column = 0; column < own.length; column++) own[column]?.push(values[column] ?? null);
    this.#enqueuedAt.push(event.enqueuedAt);
    this.#hubCreatedAt.push(hub.hubCreatedAt);
    this.#hubPartition.push(hub.partition);
    this.#sequenceNumber.push(event.sequenceNumber);
    this.#elements.push(element);
    if (values.length > own.length) this.#rescue(values[own.length] ?? null);
  }

  /** The rescued fields of the row that was just added. */
  #rescue(fields: Value): void {
    const rescued = this.#rescued;
    while (rescued.length < this.count - 1) rescued.push(null);
    rescued.push(fields);
  }
}

const nulls = (count: number): null[] => new Array<null>(count).fill(null);
