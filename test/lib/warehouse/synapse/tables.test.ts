import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { tableFields } from '../../../../src/lib/lake/rowAddress';
import { clickstream } from '../../../../src/lib/streams/clickstream';
import { loadStreams } from '../../../../src/lib/streams/loadStreams';
import { mostRescuedBytes } from '../../../../src/lib/streams/rescuedFields';
import type { Stream } from '../../../../src/lib/streams/stream';
import { wholeScript } from '../../../../src/lib/warehouse/synapse/tables';

/*
 * A script may lack the table of a stream that was added, and have that of one that was removed; what both have must be equal.
 */

const statementsOf = (text: string) =>
  text
    .replace(/^--.*\n/gm, '')
    .split(/^GO$/m)
    .map((statement) => statement.trim())
    .filter(Boolean);

describe('deploy/sql/warehouse.sql', () => {
  it('is what init runs on a dedicated pool', async () => {
    const script = readFileSync('deploy/sql/warehouse.sql', 'utf8');
    const tables = (await loadStreams())
      .flatMap(({ warehouse }) => warehouse ?? [])
      .filter(({ schema, name }) => script.includes(`CREATE TABLE [${schema}].[${name}]`));
    expect(tables).toContain(clickstream.warehouse);
    const wanted = statementsOf(wholeScript(tables, 'pool'));
    const found = statementsOf(script);
    expect(found.filter((statement) => wanted.includes(statement))).toEqual(wanted);
    const others = found.filter((statement) => !wanted.includes(statement));
    expect(others.filter((statement) => /(?:TABLE|SCHEMA) \[?(?:ops|clickstream)\b/.test(statement))).toEqual(
      [],
    );
  });
});

describe('deploy/sql/serverless.sql', () => {
  const script = readFileSync('deploy/sql/serverless.sql', 'utf8');
  const types: Record<string, string> = {
    integer: 'int',
    long: 'bigint',
    double: 'float',
    timestamp: 'datetime2(6)',
    string: 'varchar(4000)',
  };

  /** Name and type of each column of a stream's external table; undefined where it has none. */
  const columnsOf = ({ table }: Stream) =>
    new RegExp(`CREATE EXTERNAL TABLE dbo\\.${table} \\(([^;]*?)\\n\\) WITH \\(LOCATION = '${table}/'`)
      .exec(script)?.[1]
      ?.trim()
      .split(',\n')
      .map((line) => line.trim().replace(/[[\]]/g, '').split(' '));

  it('has every column of the tables', async () => {
    const streams = (await loadStreams()).filter((stream) => columnsOf(stream));
    expect(streams).toContain(clickstream);
    for (const stream of streams) {
      expect(columnsOf(stream)).toEqual(
        tableFields(stream).map(({ name, type }) => [
          name,
          name === '_rescued_data' ? `varchar(${mostRescuedBytes})` : types[String(type)],
        ]),
      );
    }
  });
});

it.each(globSync('deploy/sql/*.sql'))('a script says that it was not run on a real engine: %s', (path) => {
  const [head = ''] = readFileSync(path, 'utf8').split(/^\s*$/m);
  expect(head).toContain('-- Not run on a real');
});
