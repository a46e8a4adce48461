import type { Random } from '../../src/lib/sources/seededRandom';

/** What becomes of each element of a body. */
export type Fate = 'row' | 'letter';

interface BodyKind {
  /** How often, relative to the others. */
  readonly weight: number;
  readonly fates: readonly Fate[];
  /** `click` makes the JSON of a good click with a session id that is unique. */
  make(click: (element: number) => string): Uint8Array;
}

const kinds: readonly BodyKind[] = [
  { weight: 90, fates: ['row'], make: (click) => Buffer.from(click(0)) },
  { weight: 2, fates: ['row', 'row'], make: (click) => Buffer.from(`[${click(0)},${click(1)}]`) },
  {
    weight: 2,
    fates: ['row', 'letter', 'row'],
    make: (click) => Buffer.from(`[${click(0)},{"productid":"none"},${click(2)}]`),
  },
  { weight: 2, fates: ['letter'], make: (click) => Buffer.from(`${click(0)}}`) },
  { weight: 2, fates: ['letter'], make: (click) => Buffer.concat([Buffer.from(click(0)), Buffer.of(0xff)]) },
  { weight: 1, fates: ['letter'], make: () => Buffer.from('[]') },
  { weight: 1, fates: ['letter'], make: () => Buffer.from('{"productid":2147483648}') },
];

/** An event to send. */
export interface MadeEvent {
  readonly id: number;
  readonly body: Uint8Array;
}

/** Makes bodies, good and bad, and remembers what must become of them. */
export class BodyMaker {
  readonly #random: Random;
  readonly #kindOf: number[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  make(): MadeEvent {
    const kind = this.#draw();
    const id = this.#kindOf.push(kind) - 1;
    const productid = 1 + Math.floor(this.#random() * 670);
    const click = (element: number) =>
      JSON.stringify({ productid, timestamp: new Date().toISOString(), sessionid: sessionOf(id, element) });
    return { id, body: kinds[kind]?.make(click) ?? Buffer.alloc(0) };
  }

  /** What must become of the elements of an event that was made here. */
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
