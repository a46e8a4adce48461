import type { ByteSource } from '../../../../src/lib/delta/parquet/sourceFile';

/** A file in memory that remembers which ranges were asked for. */
export function sourceOf(
  bytes: Uint8Array,
): ByteSource & { readonly reads: { start: number; length: number }[] } {
  const reads: { start: number; length: number }[] = [];
  return {
    size: bytes.length,
    reads,
    async read(start, length) {
      reads.push({ start, length });
      return bytes.subarray(start, start + length);
    },
  };
}
