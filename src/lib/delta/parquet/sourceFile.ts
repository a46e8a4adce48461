import type { AsyncBuffer } from 'hyparquet';
import { TributaryError } from '../../errors';

/** Where the bytes come from: a blob or a buffer. `read` may give fewer bytes than asked only at the end. */
export interface ByteSource {
  readonly size: number;
  read(start: number, length: number): Promise<Uint8Array>;
}

/** A file up to this size is read whole, in one request. */
const smallFile = 512 * 1024;
/** Most footers fit in this; a larger one costs a second request. */
const footerGuess = 64 * 1024;

/** Serves hyparquet's slices from what was read already, and fails on a source that is shorter than it says. */
export class SourceFile implements AsyncBuffer {
  readonly byteLength: number;
  readonly #source: ByteSource;
  readonly #where: string;
  /** The end of the file, or all of it. */
  #tail: Uint8Array = new Uint8Array();

  constructor(source: ByteSource, where: string) {
    this.#source = source;
    this.#where = where;
    this.byteLength = source.size;
  }

  /** The footer with its length and magic number. */
  async readFooter(): Promise<Uint8Array> {
    const { byteLength } = this;
    if (byteLength < 12) throw this.#invalid(`${byteLength} bytes are too few for a Parquet file`);
    this.#tail = await this.#read(byteLength <= smallFile ? 0 : byteLength - footerGuess, byteLength);
    const end = Buffer.from(this.#tail.buffer, this.#tail.byteOffset, this.#tail.byteLength);
    const wrongStart = end.length === byteLength && end.toString('latin1', 0, 4) !== 'PAR1';
    const magic = end.toString('latin1', end.length - 4);
    if (magic === 'PARE') throw this.#invalid('the footer is encrypted');
    if (wrongStart || magic !== 'PAR1')
      throw this.#invalid('not a Parquet file: PAR1 is missing at start or end');
    const length = end.readUInt32LE(end.length - 8) + 8;
    if (length + 4 > byteLength)
      throw this.#invalid(`a footer of ${length} bytes does not fit in ${byteLength} bytes`);
    if (length > end.length) this.#tail = await this.#read(byteLength - length, byteLength);
    return this.#tail.subarray(this.#tail.length - length);
  }

  slice(start: number, end: number = this.byteLength): Promise<ArrayBuffer> {
    const bytes = this.#slice(start, end);
    // hyparquet fetches ahead and forgets some of it in damaged files; a rejection nobody awaits would end the process.
    bytes.catch(() => undefined);
    return bytes;
  }

  async #slice(start: number, end: number): Promise<ArrayBuffer> {
    if (!(start >= 0 && start <= end && end <= this.byteLength))
      throw this.#invalid(`a column should lie at bytes ${start} to ${end} of ${this.byteLength}`);
    const tailStart = this.byteLength - this.#tail.length;
    const bytes =
      start >= tailStart
        ? this.#tail.subarray(start - tailStart, end - tailStart)
        : await this.#read(start, end);
    return new Uint8Array(bytes).buffer;
  }

  async #read(start: number, end: number): Promise<Uint8Array> {
    const bytes = await this.#source.read(start, end - start);
    if (bytes.length !== end - start)
      throw this.#invalid(
        `shorter than its ${this.byteLength} bytes: ${bytes.length} of ${end - start} bytes came from ${start}`,
      );
    return bytes;
  }

  #invalid(problem: string): TributaryError {
    return new TributaryError('parquet.invalid', `${this.#where}: ${problem}.`);
  }
}

/** The error of what a Parquet file is read with, or `cause` itself if it says already what is wrong. */
export function unreadable(where: string, cause: unknown): TributaryError {
  if (cause instanceof TributaryError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new TributaryError('parquet.invalid', `${where}: not a readable Parquet file: ${reason}.`, {
    cause,
  });
}
