import { describe, expect, it } from 'vitest';
import { integerBetween, seededRandom } from '../../../src/lib/sources/seededRandom';
import { loadStreams } from '../../../src/lib/streams/loadStreams';
import type { Column, Decoded, Value } from '../../../src/lib/streams/stream';
import { assetStream } from '../../kit/assetStream';

const bodies = Number(process.env.FUZZ_BODIES ?? 100_000);
const seed = Number(process.env.FUZZ_SEED ?? 20260101);
const random = seededRandom(seed);
const pick = <T>(choices: readonly T[]): T => {
  const choice = choices[integerBetween(random, 0, choices.length)];
  if (choice === undefined) throw new Error('nothing to pick from');
  return choice;
};

const samples = [
  {
    productid: 42,
    timestamp: '2019-12-30T17:13:20.3295826+00:00',
    sessionid: 775736524811377,
    category: 3,
  },
  {
    id: 'bitcoin',
    rank: '1',
    asset_rank: '1',
    symbol: 'BTC',
    name: 'Bitcoin',
    asset_name: 'Bitcoin',
    supply: '19331437.0000000000000000',
    maxSupply: '21000000.0000000000000000',
    priceUsd: '28435.0196384538',
    changePercent24Hr: null,
    explorer: 'https://blockchain.info/',
    timestamp: 1680191493124,
    runtime_timestamp: 1680191493124,
    tokens: { '1': ['0x2260fac5e5542a773aa44fbcfedf7c193bc2c599'] },
  },
  { message: 'This version is shut down.', data: [] },
];

const strangeJson = [
  'null',
  'true',
  '""',
  '"NaN"',
  '"0x1f"',
  '1e309',
  '-1e309',
  '-0',
  '0.1',
  '2147483648',
  '-2147483649',
  '9007199254740993',
  '9223372036854775808',
  '1e-400',
  '"1e5"',
  '"\\ud800"',
  '"\\u0000"',
  '"2026-02-30T00:00:00Z"',
  '"0001-01-01T00:00:00Z"',
  '"9999-12-31T23:59:59.9999999-14:00"',
  '{}',
  '[]',
  '{"__proto__":{"productid":1}}',
  '[[[[[[]]]]]]',
  '"😀"',
  '253402300800000',
];

/** A sample with some of its values, or all of itself, replaced by something strange. */
function mutateFields(): string {
  const fields = Object.entries(pick(samples)).map(([name, value]) => {
    const json = random() < 0.2 ? pick(strangeJson) : JSON.stringify(value);
    return `${JSON.stringify(random() < 0.02 ? '__proto__' : name)}:${json}`;
  });
  if (random() < 0.2) fields.splice(integerBetween(random, 0, fields.length), 1);
  return `{${fields.join(',')}}`;
}

function mutateBytes(text: string): Uint8Array {
  const bytes = Buffer.from(text);
  for (let i = integerBetween(random, 0, 4); i > 0 && bytes.length > 0; i--)
    bytes[integerBetween(random, 0, bytes.length)] = integerBetween(random, 0, 256);
  return random() < 0.2 ? bytes.subarray(0, integerBetween(random, 0, bytes.length + 1)) : bytes;
}

function makeBody(): Uint8Array {
  const kind = random();
  if (kind < 0.4) return Buffer.from(mutateFields());
  if (kind < 0.55)
    return Buffer.from(`[${Array.from({ length: integerBetween(random, 0, 5) }, mutateFields).join(',')}]`);
  if (kind < 0.85) return mutateBytes(mutateFields());
  if (kind < 0.95)
    return Buffer.from(Array.from({ length: integerBetween(random, 0, 64) }, () => random() * 256));
  return Buffer.from(pick(strangeJson));
}

/** Written from the column types' definitions, apart from the code under test. */
function fits(column: Column, value: Value | undefined): boolean {
  const integral = (low: bigint, high: bigint) =>
    ((typeof value === 'number' && Number.isSafeInteger(value) && !Object.is(value, -0)) ||
      typeof value === 'bigint') &&
    BigInt(value) >= low &&
    BigInt(value) <= high;
  if (value === null) return column.nullable;
  switch (column.type) {
    case 'integer':
      return integral(-(2n ** 31n), 2n ** 31n - 1n);
    case 'long':
      return integral(-(2n ** 63n), 2n ** 63n - 1n);
    case 'timestamp':
      return integral(-(2n ** 63n), 2n ** 63n - 1n);
    case 'double':
      return typeof value === 'number' && Number.isFinite(value);
    case 'string':
      return typeof value === 'string' && value.isWellFormed();
    default:
      return false;
  }
}

/** Text of a JSON object that fits its column and that JSON of other readers is too. */
function isRescued(rescued: Value, columns: readonly Column[]): boolean {
  if (typeof rescued !== 'string' || !rescued.isWellFormed() || Buffer.byteLength(rescued) > 8000)
    return false;
  const object: unknown = JSON.parse(rescued, (_key, value) =>
    typeof value === 'string' && !value.isWellFormed() ? undefined : value,
  );
  const names = Object.keys(object as object);
  return names.length > 0 && !names.some((name) => columns[0]?.name === name);
}

const problemOf = (columns: readonly Column[], decoded: Decoded): string | undefined => {
  if (decoded.length === 0) return 'no elements';
  for (const element of decoded) {
    if ('reason' in element) {
      if (element.detail.length > 250 || !element.detail.isWellFormed()) return `detail ${element.detail}`;
      continue;
    }
    const [rescued, ...more] = element.slice(columns.length);
    if (element.length < columns.length || more.length > 0) return `${element.length} values`;
    if (rescued !== undefined && !isRescued(rescued, columns)) return `rescued ${rescued}`;
    const bad = columns.find((column, index) => !fits(column, element[index]));
    if (bad) return `${bad.name} in ${element.join()}`;
  }
  return undefined;
};

describe('whatever the bytes', () => {
  it(`each of ${bodies} bodies becomes rows that fit their columns, or reasons`, {
    timeout: 300_000,
  }, async () => {
    const streams = [...(await loadStreams()), assetStream];
    const seen = new Map<string, number>();
    for (let i = 0; i < bodies; i++) {
      const body = makeBody();
      for (const stream of streams) {
        const decoded = stream.decode(body);
        const problem = problemOf(stream.columns, decoded);
        if (problem)
          expect.fail(`${stream.name}, seed ${seed}: ${problem} from ${Buffer.from(body).toString('hex')}`);
        for (const element of decoded) {
          const outcome = 'reason' in element ? element.reason : `${stream.name} row`;
          seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
        }
      }
    }
    // A fuzzer that never gets past the JSON parser, or never fails, would prove nothing.
    expect([...seen.keys()]).toEqual(
      expect.arrayContaining([
        'clickstream row',
        'prices row',
        'empty-array',
        'empty-body',
        'not-json',
        'not-utf8',
        'out-of-range',
        'wrong-shape',
      ]),
    );
  });
});
