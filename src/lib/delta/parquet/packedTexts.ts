import { TextColumn } from '../textColumn';
import type { LeafColumn } from './leafColumn';

/** A text for each row, or null. */
export interface Texts {
  at(row: number): string | null;
}

/** The texts of a leaf column. Throws for bytes that are not UTF-8. */
export const textsOf = ({ definitions, highest, values }: LeafColumn): TextColumn =>
  TextColumn.of(
    values as readonly Uint8Array[],
    definitions.map((level) => (level === highest ? 1 : 0)),
  );

/**
 * The column that was unpacked last. It is kept, because a caller that goes through a table's files asks for those of one row group in
 * turn.
 */
let unpacked: { readonly of: PackedTexts; readonly column: TextColumn } | undefined;

/** Texts that stay compressed until one of them is asked for. */
export class PackedTexts implements Texts {
  readonly #unpack: () => TextColumn;

  constructor(unpack: () => TextColumn) {
    this.#unpack = unpack;
  }

  /** Throws what `unpack` throws. */
  at(row: number): string | null {
    if (unpacked?.of !== this) unpacked = { of: this, column: this.#unpack() };
    return unpacked.column.at(row);
  }
}
