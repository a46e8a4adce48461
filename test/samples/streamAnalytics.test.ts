import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findStream } from '../../src/lib/streams/loadStreams';
import { isRow } from '../../src/lib/streams/stream';
import { literalOf, loadGrammar, type Node, parseBicep, propertiesOf } from '../infra/bicep';

/*
 * The job of samples/streamanalytics: its query, which only Stream Analytics runs, is translated for DuckDB and run over the project's
 * own test cases.
 */

const folder = 'samples/streamanalytics';
const read = (path: string) => readFileSync(join(folder, path), 'utf8');
const json = (path: string) => JSON.parse(read(path));

interface TestCase {
  readonly Name: string;
  readonly Inputs: readonly {
    readonly InputAlias: string;
    readonly FilePath: string;
    readonly Format: string;
  }[];
  readonly ExpectedOutputs: readonly { readonly OutputAlias: string; readonly FilePath: string }[];
}

const { Script, TestCases }: { Script: string; TestCases: TestCase[] } = json('test/testConfig.json');
const script = read('clicks.asaql').replace(/^--.*\n/gm, '');

/** A tumbling window includes its end, and not its beginning: an event at the full minute belongs to the minute that ends there. */
const minuteEnd = "date_trunc('minute', enqueued_at - INTERVAL 1 MICROSECOND) + INTERVAL 1 MINUTE";

/** The query of an output in DuckDB's words. */
function inDuckDb(output: string): string {
  const [steps = '', ...selects] = script.split(/^(?=SELECT\b)/m);
  const select = selects.find((text) => text.includes(`INTO ${output}\n`));
  if (select === undefined) throw new Error(`The query has no output ${output}.`);
  return `${steps}${select}`
    .replace(`INTO ${output}\n`, '')
    .replaceAll(' AS datetime)', ' AS TIMESTAMPTZ)')
    .replaceAll(
      'EventEnqueuedUtcTime AS enqueued_at',
      'CAST(EventEnqueuedUtcTime AS TIMESTAMPTZ) AS enqueued_at',
    )
    .replaceAll(' TIMESTAMP BY EventEnqueuedUtcTime', '')
    .replaceAll('System.Timestamp()', minuteEnd)
    .replaceAll('TumblingWindow(minute, 1)', minuteEnd)
    .replace(/\[(\w+)\]/g, '"$1"');
}

let connection: DuckDBConnection;
beforeAll(async () => {
  connection = await (await DuckDBInstance.create()).connect();
  await connection.run(`SET TimeZone = 'UTC'`);
});
afterAll(() => connection.closeSync());

/** Values as text, times to the microsecond, in the order of their text. */
const inOrder = (rows: readonly Record<string, unknown>[]) =>
  rows
    .map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([name, value]) => {
          const isTime = typeof value === 'string' && /^\d{4}-\d\d-\d\d[ T]/.test(value);
          return [name, isTime ? microseconds(value) : value === null ? null : String(value)];
        }),
      ),
    )
    .sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));

function microseconds(time: string): string {
  const [, seconds = '', fraction = ''] = /^(.{10}[ T].{8})(?:\.(\d+))?/.exec(time) ?? [];
  return `${seconds.replace('T', ' ')}.${fraction.padEnd(6, '0').slice(0, 6)}`;
}

/** What the query makes of the events of a case. */
async function rowsOf({ Inputs }: TestCase, output: string): Promise<Record<string, unknown>[]> {
  for (const { InputAlias, FilePath } of Inputs) {
    const columns = ['productid', 'timestamp', 'sessionid', 'category', 'EventEnqueuedUtcTime'];
    // As JSON holds them: a cast that fails makes null of them, as in Stream Analytics.
    const values = columns.map((column) => `json_extract_string(j, '$.${column}') AS "${column}"`);
    const events = json(`test/${FilePath}`).map((event: unknown) => `('${JSON.stringify(event)}')`);
    await connection.run(
      `CREATE OR REPLACE TABLE ${InputAlias} AS SELECT ${values.join(', ')} FROM (VALUES ${events.join(', ')}) AS v(j)`,
    );
  }
  return (await connection.runAndReadAll(inDuckDb(output))).getRowObjectsJson();
}

const lines = (path: string): Record<string, unknown>[] =>
  read(path)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

describe.each(TestCases)('the case $Name', (testCase) => {
  it.each(testCase.ExpectedOutputs)(
    'has the expected rows for $OutputAlias',
    async ({ OutputAlias, FilePath }) => {
      const expected = lines(`test/${FilePath}`);
      expect(expected.length).toBeGreaterThan(1);
      expect(inOrder(await rowsOf(testCase, OutputAlias))).toEqual(inOrder(expected));
    },
  );
});

it('has the clicks that the app has, but for those that the app keeps as dead letters', async () => {
  const [usual] = TestCases;
  const stream = await findStream('clickstream');
  const events: unknown[] = json(`test/${usual?.Inputs[0]?.FilePath}`);
  const rows = events
    .flatMap((event) => stream?.decode(Buffer.from(JSON.stringify(event))) ?? [])
    .filter(isRow);
  const ofJob = lines('test/usual.lake.json');
  expect(
    rows.map(([productid, , sessionid, category]) => [productid, sessionid, category].map(Number)),
  ).toEqual(ofJob.map(({ productid, sessionid, category }) => [productid, sessionid, category]));
  expect(rows.map(([, time]) => new Date(Number(time) / 1000).toISOString())).toEqual(
    ofJob.map(({ clicked_at }) => new Date(String(clicked_at)).toISOString()),
  );
});

it('writes to the pool the columns that its table has', async () => {
  const [, columns = ''] = /CREATE TABLE asa\.clicks_per_minute \(([^;]*?)\n\)/.exec(read('pool.sql')) ?? [];
  const types: Record<string, string> = { 'datetime2(6)': 'TIMESTAMP WITH TIME ZONE', bigint: 'BIGINT' };
  const [usual] = TestCases;
  await rowsOf(usual as TestCase, 'pool');
  const described = (await connection.runAndReadAll(`DESCRIBE ${inDuckDb('pool')}`)).getRowsJson();
  expect(described.map(([name, type]) => [name, type])).toEqual(
    columns
      .trim()
      .split(',\n')
      .map((line) => line.trim().split(' '))
      .map(([name, type = '']) => [name, types[type]]),
  );
  expect(json('outputs/pool.json').DataWarehouseProperties.Table).toBe('asa.clicks_per_minute');
});

it('is a project whose files are there, and whose names are those of the query', () => {
  const { startFile, configurations } = json('asaproj.json');
  const files: { filePath: string; subType: string }[] = configurations;
  const paths = [startFile, ...files.map(({ filePath }) => filePath), join('test', Script)];
  expect(paths.filter((path: string) => !existsSync(join(folder, path)))).toEqual([]);
  const ofKind = (kind: string) =>
    files.filter(({ subType }) => subType === kind).map(({ filePath }) => json(filePath));
  for (const kind of ['Input', 'Output', 'InputMock', 'JobConfig'])
    expect(ofKind(kind).map(({ ScriptType }) => ScriptType)).toEqual(ofKind(kind).map(() => kind));
  const inputs = [...script.matchAll(/^ {2}FROM (\w+)/gm)].map(([, name]) => name);
  const outputs = [...script.matchAll(/^INTO (\w+)/gm)].map(([, name]) => name);
  expect(ofKind('Input').map(({ Name }) => Name)).toEqual(inputs);
  expect(ofKind('InputMock').map(({ InputAlias }) => InputAlias)).toEqual(inputs);
  expect(ofKind('Output').map(({ Name }) => Name)).toEqual(outputs);
  const [mock] = ofKind('InputMock');
  expect(existsSync(join(folder, 'inputs', mock.FilePath))).toBe(true);
});

describe('job.bicep', async () => {
  await loadGrammar();
  const text = read('job.bicep');
  const file = parseBicep('job.bicep', text);
  const textOf = (node: Node | undefined) => (node && literalOf(node)) ?? '';

  it('is Bicep', () => {
    expect(file.syntaxErrors).toEqual([]);
  });

  it('has the inputs and outputs of the project, with its places', () => {
    const named = (type: string) =>
      file.declarations
        .filter(({ target }) => target.startsWith(`Microsoft.StreamAnalytics/streamingjobs/${type}@`))
        .map(({ value }) => textOf(propertiesOf(value).get('name')));
    expect([named('inputs'), named('outputs')]).toEqual([['clickstream'], ['lake', 'pool']]);
    const { Serialization } = json('outputs/lake.json');
    expect(text).toContain(`deltaTablePath: '${Serialization.DeltaTablePath}'`);
    expect(text).toContain(`table: '${json('outputs/pool.json').DataWarehouseProperties.Table}'`);
    expect(text).toContain(`name: '${json('inputs/clickstream.json').EventHubProperties.ConsumerGroupName}'`);
  });

  it('has the settings and the formats of the project', () => {
    const settings = Object.entries<unknown>(json('JobConfig.json')).filter(([name]) =>
      /^(?:Events|OutputError|StreamingUnits|Compatibility)/.test(name),
    );
    expect(settings).toHaveLength(6);
    for (const [name, value] of settings) {
      const written = typeof value === 'string' ? `'${value}'` : value;
      expect(text).toMatch(new RegExp(`^ +${name[0]?.toLowerCase()}${name.slice(1)}: ${written}$`, 'm'));
    }
    const format = json('inputs/clickstream.json').Serialization;
    expect(text).toContain(
      `type: '${format.Type}'\n      properties: {\n        encoding: '${format.Encoding}'`,
    );
    expect(TestCases.flatMap(({ Inputs }) => Inputs.map(({ Format }) => Format))).toEqual(
      TestCases.map(() => format.Type),
    );
    expect(text).toContain(`type: '${json('outputs/lake.json').Serialization.Type}'\n`);
  });

  it('without a pool has the query up to the part that writes to it', () => {
    const mark = textOf(file.declarations.find(({ name }) => name === 'poolMark')?.value);
    const parts = read('clicks.asaql').split(mark);
    expect(parts).toHaveLength(2);
    expect(parts.map((part) => part.match(/^INTO \w+/gm))).toEqual([['INTO lake'], ['INTO pool']]);
  });

  it('has a place of its own in the lake, which is no table of the app', async () => {
    expect(json('outputs/lake.json').Serialization.DeltaTablePath).toMatch(/^asa\//);
  });
});
