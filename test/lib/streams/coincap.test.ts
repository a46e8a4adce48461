import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { startCoincap } from '../../../local/coincap/coincap';
import { CoincapClient } from '../../../src/lib/sources/coincap/coincapClient';
import { type PublishAssetsOptions, publishAssets } from '../../../src/lib/sources/coincap/publishAssets';
import { coincapSettings } from '../../../src/lib/sources/coincap/settings';
import type { OutgoingEvent } from '../../../src/lib/sources/sendEvents';
import { coincap } from '../../../src/lib/streams/coincap';
import { type Decoded, isRow } from '../../../src/lib/streams/stream';
import { createTable } from '../../../src/lib/warehouse/synapse/tables';
import answers from '../sources/coincap/coincapAnswers.json';

const decode = (body: unknown): Decoded =>
  coincap.decode(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)));

const named = ([row]: Decoded) =>
  Array.isArray(row)
    ? Object.fromEntries(coincap.columns.map((column, index) => [column.name, row[index]]))
    : row;

const asset = { id: 'bitcoin', timestamp: 1680191493124 };

describe('an asset', () => {
  it("of version 3 becomes a row with the warehouse's names", () => {
    const { timestamp, data } = answers.v3;
    expect(named(decode({ ...data[0], timestamp }))).toEqual({
      id: 'bitcoin',
      asset_rank: 1,
      symbol: 'BTC',
      asset_name: 'Bitcoin',
      supply: 19965971,
      maxSupply: 21000000,
      marketCapUsd: 1751239275575.2,
      volumeUsd24Hr: 41020315364.905167,
      priceUsd: 87711.2,
      changePercent24Hr: -2.4410536133077088,
      vwap24Hr: 88305.90262468117,
      explorer: 'https://blockchain.info/',
      runtime_timestamp: 1766500000000000,
    });
  });

  it('of version 2 has no explorer, and nulls stay nulls', () => {
    const { timestamp, data } = answers.v2;
    expect(named(decode({ ...data[1], timestamp }))).toMatchObject({
      id: 'ethereum',
      maxSupply: null,
      explorer: null,
      priceUsd: 404.9774667045201,
    });
  });

  it('may be alone or in an array, in the form of both API versions', () => {
    const copy = (answer: typeof answers.v3 | typeof answers.v2) =>
      answer.data.map((entry) => ({ ...entry, timestamp: answer.timestamp }));
    const decoded = decode([...copy(answers.v3), ...copy(answers.v2)]);
    expect(decoded).toHaveLength(7);
    expect(decoded.every((element) => Array.isArray(element))).toBe(true);
  });

  it('leaves out its tokens, and keeps other fields that no column holds', () => {
    const { timestamp, data } = answers.v3;
    expect(data[0]).toHaveProperty('tokens');
    expect(decode({ ...data[0], timestamp })[0]).toHaveLength(coincap.columns.length);
    expect(decode({ ...asset, tokens: {}, asset_rank: '2' })[0]).toEqual(
      expect.arrayContaining(['{"asset_rank":"2"}']),
    );
  });

  it('needs its id and its time alone', () => {
    expect(coincap.columns.filter((column) => !column.nullable).map((column) => column.name)).toEqual([
      'id',
      'runtime_timestamp',
    ]);
    expect(named(decode(asset))).toMatchObject({ id: 'bitcoin', asset_rank: null, priceUsd: null });
    expect(decode({ id: 'bitcoin' })).toEqual([
      { reason: 'wrong-shape', detail: 'timestamp is missing, and must not be' },
    ]);
    expect(decode({ timestamp: 1 })).toEqual([
      { reason: 'wrong-shape', detail: 'id is missing, and must not be' },
    ]);
  });

  it.each([
    ['"1.5"', 1.5],
    ['1.5', 1.5],
    ['"-2.5e-7"', -2.5e-7],
    ['"1E+21"', 1e21],
    ['"+3"', 3],
    ['".5"', 0.5],
    ['"5."', 5],
    ['123456789012345678901234567890', 1.2345678901234568e29],
    ['9007199254740993', 9007199254740992],
    ['"0"', 0],
    ['null', null],
  ])('takes %s for a price', (json, value) => {
    expect(named(decode(`{"id":"x","timestamp":0,"priceUsd":${json}}`))).toMatchObject({ priceUsd: value });
  });

  it.each([
    '"NaN"',
    '""',
    '" "',
    '"0x10"',
    '"Infinity"',
    '"1,5"',
    '"1 "',
    '"."',
    '"e5"',
    '"1e"',
    '"١"',
    'true',
    '{}',
    '[1]',
  ])('does not take %s for a price', (json) => {
    expect(decode(`{"id":"x","timestamp":0,"priceUsd":${json}}`)).toMatchObject([
      { reason: 'wrong-shape', detail: expect.stringContaining('priceUsd is not a decimal number') },
    ]);
  });

  it.each(['"1e400"', '1e400', `"-${'9'.repeat(400)}"`])('finds the price %s out of range', (json) => {
    expect(decode(`{"id":"x","timestamp":0,"priceUsd":${json}}`)).toMatchObject([
      { reason: 'out-of-range', detail: expect.stringContaining('priceUsd is not a double') },
    ]);
  });

  it.each([
    ['"1"', 1],
    ['1', 1],
    ['"007"', 7],
    ['"1e2"', 100],
    ['"5.0"', 5],
    ['"-9223372036854775808"', -9223372036854775808n],
    ['"-0"', 0],
  ])('takes %s for a rank', (json, value) => {
    expect(named(decode(`{"id":"x","timestamp":0,"rank":${json}}`))).toMatchObject({ asset_rank: value });
  });

  it.each([
    ['"1.5"', 'out-of-range'],
    ['"9223372036854775808"', 'out-of-range'],
    ['"first"', 'wrong-shape'],
    ['""', 'wrong-shape'],
  ])('does not take %s for a rank', (json, reason) => {
    expect(decode(`{"id":"x","timestamp":0,"rank":${json}}`)).toMatchObject([{ reason }]);
  });

  it('takes a time in milliseconds as a number or its digits, from 1900 to 9999', () => {
    expect(named(decode({ ...asset, timestamp: '1680191493124' }))).toMatchObject({
      runtime_timestamp: 1680191493124000,
    });
    for (const timestamp of [1e15, -1e14, 0.5, '9'.repeat(19)])
      expect(decode({ ...asset, timestamp })).toMatchObject([{ reason: 'out-of-range' }]);
    for (const timestamp of ['2023-03-30T15:51:33Z', true, {}])
      expect(decode({ ...asset, timestamp })).toMatchObject([{ reason: 'wrong-shape' }]);
  });

  it('is refused with half of a surrogate pair in a name, and taken with the whole', () => {
    expect(named(decode(String.raw`{"id":"x","timestamp":0,"name":"\ud83d\ude00"}`))).toMatchObject({
      asset_name: '😀',
    });
    expect(decode(String.raw`{"id":"\ud83d","timestamp":0}`)).toMatchObject([
      { reason: 'out-of-range', detail: expect.stringContaining('id is not well-formed Unicode') },
    ]);
  });

  it('is looked for in vain in the notice and the error that the API answered', () => {
    expect(decode(answers.sunset)).toMatchObject([{ reason: 'wrong-shape' }]);
    expect(decode(answers.notFound)).toMatchObject([{ reason: 'wrong-shape' }]);
  });

  it('of a megabyte of digits is refused quickly', () => {
    const started = performance.now();
    expect(decode({ ...asset, priceUsd: `${'1'.repeat(1_000_000)}x` })).toMatchObject([
      { reason: 'wrong-shape' },
    ]);
    expect(decode({ ...asset, rank: `${'1'.repeat(1_000_000)}x` })).toMatchObject([
      { reason: 'wrong-shape' },
    ]);
    expect(performance.now() - started).toBeLessThan(5000);
  });
});

describe('what the source publishes', () => {
  const publish = async (client: PublishAssetsOptions['client']): Promise<OutgoingEvent[]> => {
    const sent: OutgoingEvent[] = [];
    await publishAssets({ client, send: async (events) => sent.push(...events), log: () => {} });
    return sent;
  };

  it('becomes rows, each with the partition key as its id', async () => {
    const simulator = await startCoincap({ port: 0, key: 'key' });
    const sent = await publish(new CoincapClient({ url: new URL(simulator.url), apiKey: 'key' }));
    await simulator.close();
    expect(sent).toHaveLength(100);
    for (const { body, partitionKey } of sent) {
      const [row, ...more] = decode(body);
      expect(more).toEqual([]);
      expect(row && isRow(row) && row[0]).toBe(partitionKey);
    }
  });

  it('becomes a dead letter where it is no asset', async () => {
    const assets = [null, { timestamp: 1 }];
    const sent = await publish({ fetchAssets: async () => ({ timestamp: 1, assets }) });
    expect(sent.flatMap(({ body }) => decode(body))).toEqual([
      { reason: 'wrong-shape', detail: 'expected an object, got null' },
      { reason: 'wrong-shape', detail: 'id is missing, and must not be' },
    ]);
  });
});

it('has the settings of its source', () => {
  expect(coincap.settings).toBe(coincapSettings);
});

describe('the table of the assets', () => {
  it('has the published columns, to the letter, and says how their text is kept', () => {
    if (!coincap.warehouse) throw new Error('no table');
    const statement = createTable(coincap.warehouse, 'pool').replace(/\s+/g, ' ');
    expect(statement.match(/\bvarchar\(255\) COLLATE SQL_Latin1_General_CP1_CI_AS\b/g)).toHaveLength(4);
    expect(statement.replaceAll(' COLLATE SQL_Latin1_General_CP1_CI_AS', '')).toBe(
      'CREATE TABLE [assets].[asset_statistics_history_v3] ( [id_asset_statistics_history] bigint IDENTITY(1,1), [id] varchar(255), [asset_rank] bigint, [symbol] varchar(255), [asset_name] varchar(255), [supply] float, [maxSupply] float, [marketCapUsd] float, [volumeUsd24Hr] float, [priceUsd] float, [changePercent24Hr] float, [vwap24Hr] float, [explorer] varchar(255), [runtime_timestamp] datetime ) WITH (DISTRIBUTION = ROUND_ROBIN, HEAP)',
    );
  });

  it.each([
    ['warehouse.sql', 'CREATE TABLE [assets].[asset_statistics_history_v3] ('],
    ['serverless.sql', 'CREATE EXTERNAL TABLE dbo.assets ('],
  ])('is in deploy/sql/%s', (script, statement) => {
    expect(readFileSync(`deploy/sql/${script}`, 'utf8')).toContain(statement);
  });
});
