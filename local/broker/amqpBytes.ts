/** Bytes that are not a well-formed AMQP message. The broker answers them with `amqp:decode-error`. */
export class MalformedMessage extends Error {
  override readonly name = 'MalformedMessage';
}

/** One section of an AMQP message (core specification 3.2): its bytes are `[start, end)`, its value begins at `value`. */
export interface Section {
  code: number;
  start: number;
  value: number;
  end: number;
}

export const headerSection = 0x70;
export const deliveryAnnotations = 0x71;
export const messageAnnotations = 0x72;
export const dataSection = 0x75;
export const footerSection = 0x78;

/**
 * The end of the AMQP value that begins at `at` (core specification 1.2).
 *
 * @throws MalformedMessage if the end is past the last byte.
 */
export function endOfValue(bytes: Buffer, at: number): number {
  const code = byteAt(bytes, at);
  if (code === 0) return endOfValue(bytes, endOfValue(bytes, at + 1));
  return checkEnd(bytes, at + sizeOfPrimitive(bytes, at, code));
}

function sizeOfPrimitive(bytes: Buffer, at: number, code: number): number {
  switch (code >> 4) {
    case 0x4:
      return 1;
    case 0x5:
      return 2;
    case 0x6:
      return 3;
    case 0x7:
      return 5;
    case 0x8:
      return 9;
    case 0x9:
      return 17;
    case 0xa:
    case 0xc:
    case 0xe:
      return 2 + byteAt(bytes, at + 1);
    case 0xb:
    case 0xd:
    case 0xf:
      checkEnd(bytes, at + 5);
      return 5 + bytes.readUInt32BE(at + 1);
    default:
      throw new MalformedMessage(`unknown AMQP type 0x${code.toString(16)}`);
  }
}

/**
 * The section that begins at `at`.
 *
 * @throws MalformedMessage if there is none.
 */
export function sectionAt(bytes: Buffer, at: number): Section {
  if (byteAt(bytes, at) !== 0) throw new MalformedMessage('a message section must be a described value');
  const value = endOfValue(bytes, at + 1);
  const code = byteAt(bytes, value - 1);
  const small = byteAt(bytes, at + 1) === 0x53;
  const large = byteAt(bytes, at + 1) === 0x80 && bytes.readUIntBE(at + 2, 6) === 0;
  if (!(small || large) || code < headerSection || code > footerSection) {
    throw new MalformedMessage('unknown message section');
  }
  return { code, start: at, value, end: endOfValue(bytes, value) };
}

/**
 * The content of a string, symbol or binary value.
 *
 * @returns undefined if the value has another type.
 */
export function contentOfText(bytes: Buffer, at: number): Buffer | undefined {
  const end = endOfValue(bytes, at);
  const kind = byteAt(bytes, at) >> 4;
  if (kind === 0xa) return bytes.subarray(at + 2, end);
  return kind === 0xb ? bytes.subarray(at + 5, end) : undefined;
}

/**
 * The position of a map's first entry, and the number of its keys and values together, as the map states it.
 *
 * @throws MalformedMessage if the value is not a map.
 */
export function openMap(bytes: Buffer, at: number): { start: number; count: number } {
  const code = byteAt(bytes, at);
  endOfValue(bytes, at);
  if (code === 0xc1) return { start: at + 3, count: byteAt(bytes, at + 2) };
  if (code === 0xd1 && bytes.length >= at + 9) return { start: at + 9, count: bytes.readUInt32BE(at + 5) };
  throw new MalformedMessage('annotations must be a map');
}

/** A symbol of up to 255 ASCII characters, as bytes. */
export function encodeSymbol(text: string): Buffer {
  return Buffer.concat([Buffer.from([0xa3, text.length]), Buffer.from(text, 'latin1')]);
}

/** Writes a signed 64-bit number of up to 53 bits; returns the position after it. */
export function writeLong(target: Buffer, at: number, value: number): number {
  target.writeInt32BE(Math.floor(value / 2 ** 32), at);
  return target.writeUInt32BE(value >>> 0, at + 4);
}

/** Reads a number that writeLong wrote. */
export function readLong(source: Buffer, at: number): number {
  return source.readInt32BE(at) * 2 ** 32 + source.readUInt32BE(at + 4);
}

function byteAt(bytes: Buffer, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw new MalformedMessage('the message ends in the middle of a value');
  return byte;
}

function checkEnd(bytes: Buffer, end: number): number {
  if (end > bytes.length) throw new MalformedMessage('the message ends in the middle of a value');
  return end;
}
