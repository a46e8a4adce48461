import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { tableFields } from '../../../../src/lib/lake/rowAddress';
import { clickstream } from '../../../../src/lib/streams/clickstream';
import { loadStreams } from '../../../../src/lib/streams/loadStreams';
import { mostRescuedBytes } from '../../../../src/lib/streams/rescuedFields';
import type { Stream } from '../../../../src/lib/streams/stream';
import { clicksPerProduct, clicksPerSession, viewText } from '../../../../src/lib/streams/warehouseView';
import { wholeScript } from '../../../../src/lib/warehouse/synapse/tables';
import { serverlessBatches, viewInTsql } from '../../../kit/serverlessViews';

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

  it('has the views of the warehouse over its own tables', async () => {
    const views = (await loadStreams()).flatMap(({ table, warehouse }) =>
      (warehouse?.views ?? []).map((view) => ({ table, view })),
    );
    const common = views.filter(({ view }) => script.includes(`VIEW dbo.${view.name} AS`));
    expect(common.map(({ view }) => view)).toEqual(
      expect.arrayContaining([clicksPerProduct, clicksPerSession]),
    );
    for (const { table, view } of common) {
      const words = {
        table: `dbo.${table}`,
        count: 'COUNT_BIG(*)',
        milliseconds: 'DATEDIFF_BIG(millisecond, ',
      };
      // sqlcmd takes double quotes for those of texts, unless it is told otherwise.
      expect(viewInTsql(view.name)).toBe(viewText(view, words).replace(/"(\w+)"/g, '[$1]'));
    }
  });

  it('can be run again: it drops what it makes, or makes it only if it is missing', () => {
    const made = serverlessBatches.flatMap((batch, index) => {
      const [, kind = '', name = ''] =
        /^CREATE (VIEW|EXTERNAL TABLE|EXTERNAL DATA SOURCE|EXTERNAL FILE FORMAT) (\S+)/.exec(batch) ?? [];
      return kind === '' ? [] : [{ kind, name, index }];
    });
    expect(made.length).toBeGreaterThan(8);
    const dropped = made.map(({ kind, name }) =>
      serverlessBatches.findIndex((batch) => new RegExp(`DROP ${kind} (?:IF EXISTS )?${name};$`).test(batch)),
    );
    expect(dropped).not.toContain(-1);
    expect(Math.max(...dropped)).toBeLessThan(Math.min(...made.map(({ index }) => index)));
    // What was made last is dropped first, because it may read what was made before.
    expect(dropped).toEqual(dropped.toSorted((a, b) => b - a));
    const others = serverlessBatches.filter(
      (batch) =>
        !/^(?:USE lake;|DROP VIEW IF EXISTS |CREATE (?:VIEW|EXTERNAL) |IF (?:NOT )?EXISTS \()/.test(batch),
    );
    expect(others).toEqual([]);
  });

  it('takes account, container and password as variables of sqlcmd', () => {
    const variables = new Set(script.match(/\$\(\w+\)/g));
    expect(variables).toEqual(new Set(['$(account)', '$(container)', '$(password)']));
    expect(script).toMatch(/-v account=<[^>]+> container=lake password=<[^>]+>$/m);
    expect(script).not.toMatch(/'[^'\n]*<[^'\n]*>[^'\n]*'/);
  });

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
