import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { tableFields } from '../../../../src/lib/lake/rowAddress';
import { clickstream } from '../../../../src/lib/streams/clickstream';
import { loadStreams } from '../../../../src/lib/streams/loadStreams';
import { mostRescuedBytes } from '../../../../src/lib/streams/rescuedFields';
import type { Stream } from '../../../../src/lib/streams/stream';
import { clicksPerProduct, clicksPerSession, viewText } from '../../../../src/lib/streams/warehouseView';
import { poolScript } from '../../../../src/lib/warehouse/synapse/tables';
import { serverlessBatches, viewInTsql } from '../../../kit/serverlessViews';

/*
 * A script may lack the table of a stream that was added, and have that of one that was removed; what both have must be equal.
 */

/** The comment at the beginning of a script. */
const headOf = (script: string): string => script.split(/^\s*$/m)[0] ?? '';

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
    const printed = poolScript(tables);
    expect(headOf(script)).toBe(headOf(printed));
    const wanted = statementsOf(printed);
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

  it('asks of each object by its own name, in the list of its kind, whether it is there', () => {
    const lists: Record<string, string> = {
      'EXTERNAL TABLE': 'external_tables',
      'EXTERNAL FILE FORMAT': 'external_file_formats',
      'EXTERNAL DATA SOURCE': 'external_data_sources',
      'DATABASE SCOPED CREDENTIAL': 'database_scoped_credentials',
      DATABASE: 'databases',
    };
    const asked = serverlessBatches.filter((batch) => batch.startsWith('IF '));
    const named = asked.flatMap((batch) => {
      const [, list, name, kind = '', target] =
        /^IF (?:NOT )?EXISTS \(SELECT \* FROM sys\.(\w+) WHERE name = '(\w+)'\)\s+(?:DROP|CREATE) ((?:[A-Z]+ )+)(?:dbo\.)?(\w+)/.exec(
          batch,
        ) ?? [];
      return target === undefined ? [] : [{ list, name, kind: kind.trim(), target }];
    });
    // The key of the database has no name of its own in its statement.
    expect(named).toHaveLength(asked.length - 1);
    for (const { list, name, kind, target } of named) expect([list, name]).toEqual([lists[kind], target]);
  });

  it('reads by objects that it makes, and from the folders of the tables', async () => {
    const text = serverlessBatches.join('\n');
    const all = (pattern: RegExp) => [...text.matchAll(pattern)].map(([, name = '']) => name);
    for (const [made, used] of [
      [/^CREATE EXTERNAL DATA SOURCE (\w+)/gm, /DATA_SOURCE = '?(\w+)/g],
      [/^CREATE EXTERNAL FILE FORMAT (\w+)/gm, /FILE_FORMAT = (\w+)/g],
      [/CREATE DATABASE SCOPED CREDENTIAL (\w+)/g, /CREDENTIAL = (\w+)/g],
    ] as const)
      expect(new Set(all(used))).toEqual(new Set(all(made)));
    const tables = all(/^CREATE EXTERNAL TABLE dbo\.(\w+)/gm);
    expect(all(/(?:\(LOCATION = |\bBULK )'(\w+)\/'/g).sort()).toEqual([...tables, 'clicks'].sort());
    expect(text).toContain("clicks_in_place AS\nSELECT * FROM OPENROWSET(BULK 'clicks/',");
  });

  it('takes account, container and password as variables of sqlcmd', () => {
    const given: Record<string, string> = { account: 'contoso', container: 'other-lake', password: 'a word' };
    const texts = serverlessBatches.map((batch) =>
      batch.replace(/\$\((\w+)\)/g, (all, name) => given[name] ?? all),
    );
    expect(texts.filter((text) => text.includes('$('))).toEqual([]);
    expect(texts.join('\n').match(/'https:.*'|BY PASSWORD = .*;/g)).toEqual([
      "BY PASSWORD = 'a word';",
      "'https://contoso.dfs.core.windows.net/other-lake'",
    ]);
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
  expect(headOf(readFileSync(path, 'utf8'))).toContain('-- Not run on a real');
});
