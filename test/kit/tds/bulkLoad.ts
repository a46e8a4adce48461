import { decoderOf } from './codePages';
import { SqlError, type SqlValue } from './syntax';

/*
 * Reads the message of a bulk load ([MS-TDS] 2.2.6.1): COLMETADATA, rows, DONE.
 */

export interface BulkRows {
  /** The names and types, as the message gives them. */
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly SqlValue[])[];
}

interface ReadColumn {
  readonly name: string;
  readonly type: string;
  read(from: Reader): SqlValue;
}

/** The flag of a column that may have nulls. */
const nullable = 1;

const tokens = { columns: 0x81, row: 0xd1, done: 0xfd };

export function readBulkLoad(body: Buffer): BulkRows {
  const from = new Reader(body);
  if (from.byte() !== tokens.columns) throw new SqlError(4804, 'Premature end-of-message in a bulk load.');
  const columns = Array.from({ length: from.unsigned(2) }, () => readColumn(from));
  const rows: SqlValue[][] = [];
  for (let token = from.byte(); token !== tokens.done; token = from.byte()) {
    if (token !== tokens.row) throw new SqlError(4804, 'Premature end-of-message in a bulk load.');
    rows.push(columns.map((column) => column.read(from)));
  }
  return { columns, rows };
}

function readColumn(from: Reader): ReadColumn {
  // The user type.
  from.bytes(4);
  const isNullable = (from.unsigned(2) & nullable) !== 0;
  const { type, read } = readType(from);
  const name = from.bytes(2 * from.byte()).toString('utf16le');
  return {
    name,
    type,
    read(row) {
      const value = read(row);
      if (value === null && !isNullable)
        throw new SqlError(515, `Cannot insert the value NULL into column '${name}'.`);
      return value;
    },
  };
}

function readType(from: Reader): Omit<ReadColumn, 'name'> {
  const kind = from.byte();
  switch (kind) {
    case 0x26: {
      const size = from.byte();
      const type = size === 8 ? 'bigint' : size === 4 ? 'int' : 'smallint';
      return { type, read: (row) => row.sized((bytes) => integer(bytes, type)) };
    }
    case 0x6d:
      from.byte();
      return { type: 'float', read: (row) => row.sized((bytes) => bytes.readDoubleLE()) };
    case 0x68:
      from.byte();
      return { type: 'bit', read: (row) => row.sized((bytes) => bytes[0] ?? 0) };
    case 0x6f:
      from.byte();
      return { type: 'datetime', read: (row) => row.sized(dateTime) };
    case 0x2a:
      return { type: `datetime2(${from.byte()})`, read: (row) => row.sized(dateTime2) };
    case 0x28:
      return {
        type: 'date',
        read: (row) =>
          row.sized((bytes) => new Date(fromYearOne(bytes.readUIntLE(0, 3))).toISOString().slice(0, 10)),
      };
    case 0xa7: {
      const [length, decoder] = [from.unsigned(2), decoderOf(from.bytes(5))];
      return { type: `varchar(${length})`, read: (row) => row.text((bytes) => decoder.decode(bytes)) };
    }
    case 0xe7: {
      const [length] = [from.unsigned(2), from.bytes(5)];
      return {
        type: `nvarchar(${length / 2})`,
        read: (row) => row.text((bytes) => bytes.toString('utf16le')),
      };
    }
    default:
      throw new SqlError(4816, `Invalid column type ${kind} from bcp client.`);
  }
}

const integer = (bytes: Buffer, type: string) =>
  type === 'bigint' ? bytes.readBigInt64LE() : type === 'int' ? bytes.readInt32LE() : bytes.readInt16LE();

/** Microseconds since 1970, as this server keeps times. */
function dateTime(bytes: Buffer): bigint {
  const ticks = bytes.readUInt32LE(4);
  const seconds = Date.UTC(1900, 0, 1) / 1000 + bytes.readInt32LE(0) * 86_400 + Math.floor(ticks / 300);
  return BigInt(seconds) * 1_000_000n + BigInt(Math.round(((ticks % 300) * 1e6) / 300));
}

const dateTime2 = (bytes: Buffer): bigint =>
  BigInt(bytes.readUIntLE(0, 5)) + BigInt(fromYearOne(bytes.readUIntLE(5, 3))) * 1000n;

/** Milliseconds since 1970 of a number of days since the first day of year 1. */
const fromYearOne = (days: number) => Date.parse('0001-01-01T00:00:00Z') + days * 86_400_000;

class Reader {
  readonly #body: Buffer;
  #at = 0;

  constructor(body: Buffer) {
    this.#body = body;
  }

  bytes(length: number): Buffer {
    this.#at += length;
    if (this.#at > this.#body.length) throw new SqlError(4804, 'Premature end-of-message in a bulk load.');
    return this.#body.subarray(this.#at - length, this.#at);
  }

  byte(): number {
    return this.bytes(1)[0] ?? 0;
  }

  unsigned(length: number): number {
    return this.bytes(length).readUIntLE(0, length);
  }

  /** A value that comes after its length in one byte; a length of 0 means null. */
  sized(read: (bytes: Buffer) => SqlValue): SqlValue {
    const length = this.byte();
    return length === 0 ? null : read(this.bytes(length));
  }

  /** A text that comes after its length in two bytes. */
  text(read: (bytes: Buffer) => string): SqlValue {
    const length = this.unsigned(2);
    return length === 0xffff ? null : read(this.bytes(length));
  }
}
