import type { AsyncBuffer } from 'hyparquet';
import { TributaryError } from '../../errors';

/** The source of a file's bytes: a blob or a buffer. `read` may return fewer bytes than asked for only at the end of the file. */
export interface ByteSource {
  readonly size: number;
  read(start: number, length: number): Promise<Uint8Array>;
}

/** A file up to this size is read whole, in one request. */
const smallFile = 512 * 1024;
/** How many bytes are read first to get the footer. Most footers fit into it; a larger one costs a second request. */
const footerGuess = 64 * 1024;

/** Serves hyparquet's reads, from memory if the bytes were read before. Fails if the source is shorter than its size says. */
export class SourceFile implements AsyncBuffer {
  readonly byteLength: number;
  readonly #source: ByteSource;
  readonly #where: string;
  /** The end of the file, or the whole file. */
  #tail: Uint8Array = new Uint8Array();

  constructor(source: ByteSource, where: string) {
    this.#source = source;
    this.#where = where;
    this.byteLength = source.size;
  }

  /** The footer, with its length and magic number behind it. */
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
    // hyparquet fetches ahead, and in damaged files forgets some of these reads. A rejection that nobody awaits would end the process.
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

/** The `parquet.invalid` error for an error of reading a Parquet file. If `cause` is one of our own errors, it is returned as it is. */
export function unreadable(where: string, cause: unknown): TributaryError {
  if (cause instanceof TributaryError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new TributaryError('parquet.invalid', `${where}: not a readable Parquet file: ${reason}.`, {
    cause,
  });
}
