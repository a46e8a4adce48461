import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { tableFields } from '../../../../src/lib/lake/rowAddress';
import { clickstream } from '../../../../src/lib/streams/clickstream';
import { coincap } from '../../../../src/lib/streams/coincap';
import { createTable, wholeScript } from '../../../../src/lib/warehouse/synapse/tables';

const streams = [clickstream, coincap];
const tables = streams.flatMap(({ warehouse }) => (warehouse ? [warehouse] : []));

const withoutComments = (text: string) => text.replace(/^--.*\n/gm, '').trim();

describe('the table of the assets', () => {
  it('has the published columns, to the letter', () => {
    if (!coincap.warehouse) throw new Error('no table');
    expect(createTable(coincap.warehouse, 'pool').replace(/\s+/g, ' ')).toBe(
      'CREATE TABLE [assets].[asset_statistics_history_v3] ( [id_asset_statistics_history] bigint IDENTITY(1,1), [id] varchar(255), [asset_rank] bigint, [symbol] varchar(255), [asset_name] varchar(255), [supply] float, [maxSupply] float, [marketCapUsd] float, [volumeUsd24Hr] float, [priceUsd] float, [changePercent24Hr] float, [vwap24Hr] float, [explorer] varchar(255), [runtime_timestamp] datetime ) WITH (DISTRIBUTION = ROUND_ROBIN, HEAP)',
    );
  });
});

describe('deploy/sql/warehouse.sql', () => {
  it('is what init runs on a dedicated pool', () => {
    expect(withoutComments(readFileSync('deploy/sql/warehouse.sql', 'utf8'))).toBe(
      wholeScript(tables, 'pool').trim(),
    );
  });
});

describe('deploy/sql/serverless.sql', () => {
  const script = readFileSync('deploy/sql/serverless.sql', 'utf8');

  it.each(streams.map((stream) => [stream.table, stream] as const))(
    'has every column of %s',
    (table, stream) => {
      const body = new RegExp(
        `CREATE EXTERNAL TABLE dbo\\.${table} \\(([^;]*?)\\n\\) WITH \\(LOCATION = '${table}/'`,
      ).exec(script)?.[1];
      const columns = (body ?? '')
        .trim()
        .split(',\n')
        .map((line) => line.trim().replace(/[[\]]/g, '').split(' '));
      const types = {
        integer: 'int',
        long: 'bigint',
        double: 'float',
        timestamp: 'datetime2(6)',
        string: 'varchar(4000)',
      };
      expect(columns).toEqual(
        tableFields(stream).map(({ name, type }) => [name, types[type as keyof typeof types]]),
      );
    },
  );
});
