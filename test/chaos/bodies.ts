import type { Random } from '../../src/lib/sources/seededRandom';
import type { DecodeReason } from '../../src/lib/streams/stream';

/** The expected result for an element of a body: a row, or a dead letter with this reason. */
export type Fate = 'row' | DecodeReason;

interface BodyKind {
  /** How often this kind is chosen, relative to the others. */
  readonly weight: number;
  readonly fates: readonly Fate[];
  /** `click` makes the JSON of a good click with a session id that is unique. */
  make(click: (element: number) => string): Uint8Array;
}

const kinds: readonly BodyKind[] = [
  { weight: 90, fates: ['row'], make: (click) => Buffer.from(click(0)) },
  { weight: 2, fates: ['row', 'row'], make: (click) => Buffer.from(`[${click(0)},${click(1)}]`) },
  {
    weight: 1,
    fates: ['row', 'wrong-shape', 'row'],
    make: (click) => Buffer.from(`[${click(0)},{"productid":"none"},${click(2)}]`),
  },
  {
    weight: 1,
    fates: ['wrong-shape', 'row', 'out-of-range'],
    make: (click) => Buffer.from(`["ä",${click(1)},{"productid":-2147483649}]`),
  },
  { weight: 2, fates: ['not-json'], make: (click) => Buffer.from(`${click(0)}}`) },
  {
    weight: 2,
    fates: ['not-utf8'],
    make: (click) => Buffer.concat([Buffer.from(click(0)), Buffer.of(0xff)]),
  },
  { weight: 1, fates: ['empty-array'], make: () => Buffer.from('[]') },
  { weight: 1, fates: ['out-of-range'], make: () => Buffer.from('{"productid":2147483648}') },
];

/** An event to send. */
export interface MadeEvent {
  readonly id: number;
  readonly body: Uint8Array;
}

/** Makes good and bad bodies, and remembers the expected result of each. */
export class BodyMaker {
  readonly #random: Random;
  readonly #kindOf: number[] = [];
  /** Bodies by event id, only of events with dead letters, which are few. */
  readonly #badBodies = new Map<number, Uint8Array>();

  constructor(random: Random) {
    this.#random = random;
  }

  make(): MadeEvent {
    const kind = this.#draw();
    const id = this.#kindOf.push(kind) - 1;
    const productid = 1 + Math.floor(this.#random() * 670);
    const click = (element: number) =>
      JSON.stringify({ productid, timestamp: new Date().toISOString(), sessionid: sessionOf(id, element) });
    const body = kinds[kind]?.make(click) ?? Buffer.alloc(0);
    if (this.fatesOf(id).some((fate) => fate !== 'row')) this.#badBodies.set(id, body);
    return { id, body };
  }

  /** The body of an event that has dead letters. */
  badBodyOf(id: number): Uint8Array | undefined {
    return this.#badBodies.get(id);
  }

  /** The expected results for the elements of an event that was made here. */
  fatesOf(id: number): readonly Fate[] {
    const kind = kinds[this.#kindOf[id] ?? -1];
    if (!kind) throw new Error(`The hub holds an event ${id} that was never made.`);
    return kind.fates;
  }

  #draw(): number {
    let left = this.#random() * kinds.reduce((sum, { weight }) => sum + weight, 0);
    return Math.max(
      0,
      kinds.findIndex(({ weight }) => {
        left -= weight;
        return left < 0;
      }),
    );
  }
}

/** The session id by which a row is recognized as a certain element of a certain event. */
export const sessionOf = (id: number, element: number): number => id * 10 + element;
