import { isUtf8 } from 'node:buffer';
import type { LeafColumn } from './leafColumn';

/** A text for each row, or undefined. */
export interface Texts {
  at(row: number): string | undefined;
}

/** Texts of many rows in one buffer, as UTF-8: no text is made until it is asked for. */
export class TextColumn implements Texts {
  readonly #bytes: Buffer;
  /** Where each row's text ends; it begins where the one before ends. */
  readonly #ends: Uint32Array;
  readonly #isThere: Uint8Array;

  /** Throws for bytes that are not UTF-8. */
  constructor({ definitions, highest, values }: LeafColumn) {
    const texts = values as readonly Uint8Array[];
    let length = 0;
    for (const value of texts) length += value.length;
    this.#bytes = Buffer.allocUnsafeSlow(length);
    this.#ends = new Uint32Array(definitions.length);
    this.#isThere = definitions.map((level) => (level === highest ? 1 : 0));
    let end = 0;
    let next = 0;
    for (let row = 0; row < definitions.length; row++) {
      const value = this.#isThere[row] ? texts[next++] : undefined;
      if (value) {
        // A character may not begin in one text and go on in the next.
        if (isContinuation(value[0])) throw notUtf8();
        this.#bytes.set(value, end);
        end += value.length;
      }
      this.#ends[row] = end;
    }
    if (!isUtf8(this.#bytes)) throw notUtf8();
  }

  at(row: number): string | undefined {
    if (!this.#isThere[row]) return undefined;
    return this.#bytes.toString('utf8', row === 0 ? 0 : this.#ends[row - 1], this.#ends[row]);
  }
}

const isContinuation = (byte: number | undefined) => byte !== undefined && (byte & 0xc0) === 0x80;

const notUtf8 = () => new Error('a text is not UTF-8');

/** The column that was unpacked last: whoever goes through a table's files asks for those of one row group after the other. */
let unpacked: { readonly of: PackedTexts; readonly column: TextColumn } | undefined;

/** Texts that stay compressed until one of them is asked for. */
export class PackedTexts implements Texts {
  readonly #unpack: () => TextColumn;

  constructor(unpack: () => TextColumn) {
    this.#unpack = unpack;
  }

  /** Throws what `unpack` throws. */
  at(row: number): string | undefined {
    if (unpacked?.of !== this) unpacked = { of: this, column: this.#unpack() };
    return unpacked.column.at(row);
  }
}
