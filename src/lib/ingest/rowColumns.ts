import type { Value } from '../delta/schema';
import type { Row } from '../streams/stream';
import type { DecodedEvent } from './decodeEvents';

/** The partition, in its generation, that rows come from. */
interface RowSource {
  /** Microseconds since 1970. */
  readonly hubCreatedAt: number;
  readonly partition: number;
}

/** Collects rows as columns of `tableFields`: the stream's own, then the address. */
export class RowColumns {
  readonly columns: readonly Value[][];
  readonly #own: readonly Value[][];
  readonly #enqueuedAt: Value[] = [];
  readonly #hubCreatedAt: Value[] = [];
  readonly #hubPartition: Value[] = [];
  readonly #sequenceNumber: Value[] = [];
  readonly #elements: Value[] = [];

  /** @param width number of the stream's own columns */
  constructor(width: number) {
    this.#own = Array.from({ length: width }, () => []);
    this.columns = [
      ...this.#own,
      this.#enqueuedAt,
      this.#hubCreatedAt,
      this.#hubPartition,
      this.#sequenceNumber,
      this.#elements,
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
  }
}
