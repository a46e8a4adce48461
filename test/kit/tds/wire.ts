import type { Socket } from 'node:net';

/*
 * Packets and tokens of TDS 7.4 ([MS-TDS]), as far as a client needs them to log in, run batches and manage transactions.
 */

export const messageTypes = {
  batch: 1,
  rpc: 3,
  response: 4,
  attention: 6,
  bulk: 7,
  transaction: 14,
  login: 16,
  prelogin: 18,
} as const;

const packetSize = 4096;

/** Joins packets to messages and passes each message to `handle`. `resets` is true if the message asks to reset the connection first. */
export function readMessages(
  socket: Socket,
  handle: (type: number, body: Buffer, resets: boolean) => void,
): void {
  let pending: Buffer[] = [];
  let size = 0;
  let parts: Buffer[] = [];
  let resets = false;
  socket.on('data', (chunk: Buffer) => {
    pending.push(chunk);
    size += chunk.length;
    if (size < 8) return;
    let buffer = pending.length === 1 ? chunk : Buffer.concat(pending);
    while (buffer.length >= 8 && buffer.length >= buffer.readUInt16BE(2)) {
      const length = buffer.readUInt16BE(2);
      const status = buffer.readUInt8(1);
      parts.push(buffer.subarray(8, length));
      resets ||= (status & 8) !== 0;
      if (status & 1) {
        const body = Buffer.concat(parts);
        const isReset = resets;
        parts = [];
        resets = false;
        handle(buffer.readUInt8(0), body, isReset);
      }
      buffer = buffer.subarray(length);
    }
    pending = [buffer];
    size = buffer.length;
  });
}

export function sendMessage(socket: Socket, body: Buffer): void {
  if (socket.destroyed) return;
  const packets: Buffer[] = [];
  for (let start = 0, id = 1; start === 0 || start < body.length; start += packetSize - 8, id++) {
    const part = body.subarray(start, start + packetSize - 8);
    const header = Buffer.alloc(8);
    header.writeUInt8(messageTypes.response, 0);
    header.writeUInt8(start + part.length >= body.length ? 1 : 0, 1);
    header.writeUInt16BE(part.length + 8, 2);
    header.writeUInt8(id & 0xff, 6);
    packets.push(header, part);
  }
  socket.write(Buffer.concat(packets));
}

const u16 = (value: number) => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
};
const i32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
};
const i64 = (value: bigint) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return bytes;
};
/** A text after its length in characters, which takes one byte. */
const shortText = (text: string) => Buffer.concat([Buffer.from([text.length]), Buffer.from(text, 'utf16le')]);
const longText = (text: string) => Buffer.concat([u16(text.length), Buffer.from(text, 'utf16le')]);

/** The collation SQL_Latin1_General_CP1_CI_AS. Text is sent as Unicode, whatever its collation is. */
const collationOfAnswers = Buffer.from([0x09, 0x04, 0xd0, 0x00, 0x34]);

/** The answer to a prelogin: our version, and that there is no encryption. */
export function preloginAnswer(): Buffer {
  const version = Buffer.from([16, 0, 0, 0, 0, 0]);
  return Buffer.concat([
    Buffer.from([0, 0, 11, 0, version.length]),
    Buffer.from([1, 0, 11 + version.length, 0, 1]),
    Buffer.from([0xff]),
    version,
    Buffer.from([2]),
  ]);
}

const environment = (type: number, fresh: Buffer, old: Buffer) => {
  const body = Buffer.concat([Buffer.from([type, fresh.length]), fresh, Buffer.from([old.length]), old]);
  return Buffer.concat([Buffer.from([0xe3]), u16(body.length), body]);
};

export const transactionChange = {
  begun: (id: bigint) => environment(8, i64(id), Buffer.alloc(0)),
  committed: (id: bigint) => environment(9, Buffer.alloc(0), i64(id)),
  rolledBack: (id: bigint) => environment(10, Buffer.alloc(0), i64(id)),
};

/**
 * The answer to an accepted login.
 * @param collation the collation of the database, in which clients send text in binary form
 */
export function loginAnswer(database: string, collation: Buffer): Buffer {
  const name = shortText('Tributary test server');
  const acknowledged = Buffer.concat([Buffer.from([1, 0x74, 0, 0, 4]), name, Buffer.from([16, 0, 0, 0])]);
  const databaseChange = Buffer.concat([Buffer.from([1]), shortText(database), shortText('')]);
  return Buffer.concat([
    Buffer.concat([Buffer.from([0xe3]), u16(databaseChange.length), databaseChange]),
    environment(7, collation, Buffer.alloc(0)),
    Buffer.concat([Buffer.from([0xad]), u16(acknowledged.length), acknowledged]),
    done(),
  ]);
}

const doneStatus = { more: 1, error: 2, count: 16 };

/** The token for the end of a statement. */
export function done(options: { more?: boolean; error?: boolean; count?: number } = {}): Buffer {
  const { more = false, error = false, count } = options;
  const status =
    (more ? doneStatus.more : 0) |
    (error ? doneStatus.error : 0) |
    (count === undefined ? 0 : doneStatus.count);
  return Buffer.concat([Buffer.from([0xfd]), u16(status), u16(0), i64(BigInt(count ?? 0))]);
}

/** The acknowledgement of an attention. */
export const attentionAnswer = (): Buffer => Buffer.concat([Buffer.from([0xfd]), u16(0x20), u16(0), i64(0n)]);

export function errorToken(number: number, message: string): Buffer {
  const body = Buffer.concat([
    i32(number),
    Buffer.from([1, 16]),
    longText(message),
    shortText('test'),
    shortText(''),
    i32(1),
  ]);
  return Buffer.concat([Buffer.from([0xaa]), u16(body.length), body]);
}

export type WireValue = string | number | bigint | null;
/** Times are microseconds since 1970, and dates are text. */
export type WireType = 'int' | 'bigint' | 'bit' | 'float' | 'text' | 'datetime' | 'datetime2' | 'date';

const typeInfo: Readonly<Record<WireType, Buffer>> = {
  int: Buffer.from([0x26, 4]),
  bigint: Buffer.from([0x26, 8]),
  bit: Buffer.from([0x68, 1]),
  float: Buffer.from([0x6d, 8]),
  datetime: Buffer.from([0x6f, 8]),
  datetime2: Buffer.from([0x2a, 6]),
  date: Buffer.from([0x28]),
  text: Buffer.concat([Buffer.from([0xe7]), u16(8000), collationOfAnswers]),
};

export function resultSet(
  columns: readonly { readonly name: string; readonly type: WireType }[],
  rows: readonly (readonly WireValue[])[],
): Buffer {
  const parts: Buffer[] = [Buffer.from([0x81]), u16(columns.length)];
  for (const { name, type } of columns) parts.push(i32(0), u16(1), typeInfo[type], shortText(name));
  for (const row of rows) {
    parts.push(Buffer.from([0xd1]));
    for (const [index, { type }] of columns.entries()) parts.push(encodeValue(row[index] ?? null, type));
  }
  return Buffer.concat(parts);
}

function encodeValue(value: WireValue, type: WireType): Buffer {
  if (type === 'text') {
    if (value === null) return u16(0xffff);
    const bytes = Buffer.from(String(value).slice(0, 4000), 'utf16le');
    return Buffer.concat([u16(bytes.length), bytes]);
  }
  if (value === null) return Buffer.from([0]);
  const bytes = fixedLengthValue(value, type);
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

function fixedLengthValue(value: string | number | bigint, type: Exclude<WireType, 'text'>): Buffer {
  switch (type) {
    case 'int':
      return i32(Number(value));
    case 'bigint':
      return i64(BigInt(value));
    case 'bit':
      return Buffer.from([Number(value)]);
    case 'datetime': {
      const days = floorDivide(BigInt(value), dayMicros);
      // Times count 1/300 s since midnight.
      const ticks = ((BigInt(value) - days * dayMicros) * 3n + 5000n) / 10_000n;
      return Buffer.concat([i32(Number(days) + daysFrom1900), i32(Number(ticks))]);
    }
    case 'datetime2': {
      const days = floorDivide(BigInt(value), dayMicros);
      return Buffer.concat([i64(BigInt(value) - days * dayMicros).subarray(0, 5), dateOf(days)]);
    }
    case 'date':
      return dateOf(BigInt(Date.parse(`${value}T00:00:00Z`) / 86_400_000));
    default: {
      const bytes = Buffer.alloc(8);
      bytes.writeDoubleLE(Number(value));
      return bytes;
    }
  }
}

const dayMicros = 86_400_000_000n;
const daysFrom1900 = 25_567;
const daysFromYear1 = 719_162n;
/** @param days since 1970 */
const dateOf = (days: bigint) => i64(days + daysFromYear1).subarray(0, 3);
const floorDivide = (value: bigint, by: bigint) => value / by - (value % by < 0n ? 1n : 0n);

/** The text of a batch, which comes after all its headers. */
export const readBatch = (body: Buffer): string => body.subarray(body.readUInt32LE(0)).toString('utf16le');

export type TransactionRequest =
  | { readonly kind: 'begin'; readonly isolation: number }
  | { readonly kind: 'commit' | 'rollback' };

/** A transaction manager request (TM_BEGIN_XACT, TM_COMMIT_XACT, TM_ROLLBACK_XACT); undefined for other requests. */
export function readTransactionRequest(body: Buffer): TransactionRequest | undefined {
  const at = body.readUInt32LE(0);
  const type = body.readUInt16LE(at);
  if (type === 5) return { kind: 'begin', isolation: body.readUInt8(at + 2) };
  if (type === 7) return { kind: 'commit' };
  return type === 8 ? { kind: 'rollback' } : undefined;
}
