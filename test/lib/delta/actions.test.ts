import { describe, expect, it } from 'vitest';
import { markOf, parseCommit, serializeCommit } from '../../../src/lib/delta/actions';

const where = 'lake/events version 3';
const parsed = (...lines: readonly (object | string)[]) =>
  parseCommit(
    Buffer.from(lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n')),
    3,
    where,
  );

const add = { path: 'a', partitionValues: {}, size: 0, modificationTime: 1, dataChange: true };
const txn = { appId: 'p0', version: -1 };
const metaData = { id: 'id', format: { provider: 'parquet' }, schemaString: '{}', partitionColumns: [] };
const protocol = { minReaderVersion: 1, minWriterVersion: 2 };

it('a list of features that is null counts as missing', () => {
  const nulls = { readerFeatures: null, writerFeatures: null };
  expect(parsed({ protocol: { ...protocol, ...nulls } }).protocol).toEqual(protocol);
});

describe('a commit', () => {
  it('is read with its actions by kind, in their order', () => {
    const { mark, ...commit } = parsed(
      { commitInfo: { operation: 'WRITE' } },
      { add },
      { txn },
      '',
      { remove: { path: 'b', dataChange: true } },
      { add: { ...add, path: 'c', stats: null } },
      { metaData: { ...metaData, configuration: { a: 'b' } } },
      { protocol },
      '  ',
    );
    expect(commit).toEqual({
      version: 3,
      commitInfo: { operation: 'WRITE' },
      adds: [add, { ...add, path: 'c', stats: null }],
      removes: [{ path: 'b', dataChange: true }],
      txns: [txn],
      metaData: { ...metaData, configuration: { a: 'b' } },
      protocol,
    });
    expect(mark).toMatch(/^[0-9a-f]{32}$/);
  });

  it('has maps that other writers left out', () => {
    const { partitionValues: _, ...without } = add;
    expect(parsed({ add: without }).adds).toEqual([add]);
    expect(parsed({ metaData }).metaData).toEqual({ ...metaData, configuration: {} });
  });

  it('has properties of the table that other writers left as numbers and booleans, and not those that are null', () => {
    const configuration = { a: true, b: 5, c: null, d: 'x' };
    const read = parsed({ metaData: { ...metaData, configuration } }).metaData;
    expect(read?.configuration).toEqual({ a: 'true', b: '5', d: 'x' });
  });

  it.each([
    ['x', 'metaData.configuration is not an object'],
    [['x'], 'metaData.configuration is not an object'],
    [{ a: {} }, 'the table property "a" is not a text'],
  ])('is damaged with %j for the properties of the table', (configuration, problem) => {
    expect(() => parsed({ metaData: { ...metaData, configuration } })).toThrow(
      expect.objectContaining({ code: 'delta.invalid', message: `${where}, line 1: ${problem}.` }),
    );
  });

  it('may have actions that we do not know', () => {
    expect(parsed({ cdc: { path: 'x' } }, { txn })).toMatchObject({ adds: [], removes: [], txns: [txn] });
    const commitInfo = { timestamp: 1 };
    expect(parsed({ commitInfo }, { cdc: { path: 'x' } }).commitInfo).toEqual(commitInfo);
  });

  it('is told from any other by its mark', () => {
    const bytes = serializeCommit([{ txn }]);
    expect(markOf(bytes)).toBe(parseCommit(bytes, 3, where).mark);
    expect(markOf(serializeCommit([{ txn: { ...txn, version: 0 } }]))).not.toBe(markOf(bytes));
  });

  it('is written with one action in each line, and without half characters', () => {
    const bytes = serializeCommit([{ txn: { ...txn, appId: 'a\ud800' } }, { protocol }]);
    expect(bytes.toString()).toBe(
      '{"txn":{"appId":"a\ufffd","version":-1}}\n{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}\n',
    );
  });
});

describe('a commit that cannot be read', () => {
  it.each<[string | object, string]>([
    ['{"add":', 'not JSON'],
    ['7', 'not a JSON object'],
    ['null', 'not a JSON object'],
    [{ add: { ...add, path: 7 } }, 'add.path is not a text'],
    [{ add: { ...add, path: '' } }, 'add.path is not a text'],
    [{ add: { ...add, size: -1 } }, 'add.size is not a number of bytes'],
    [{ add: { ...add, size: '1' } }, 'add.size is not a number of bytes'],
    [{ add: { ...add, size: 0.5 } }, 'add.size is not a number of bytes'],
    [{ add: { ...add, stats: {} } }, 'add.stats is not a text'],
    [{ remove: { path: null, dataChange: true } }, 'remove.path is not a text'],
    [{ txn: { version: 1 } }, 'txn.appId is not a text'],
    [{ txn: { appId: 'p0', version: 1.5 } }, 'txn.version is not an integer below 2^53'],
    [{ txn: { appId: 'p0', version: 2 ** 53 } }, 'txn.version is not an integer below 2^53'],
    [{ metaData: { ...metaData, id: 1 } }, 'metaData.id is not a text'],
    [{ metaData: { ...metaData, schemaString: {} } }, 'metaData.schemaString is not a text'],
    [{ metaData: { ...metaData, partitionColumns: 'day' } }, 'metaData.partitionColumns is not a list'],
    [{ protocol: { minWriterVersion: 2 } }, 'protocol.minReaderVersion is not a number'],
    [{ protocol: { ...protocol, minReaderVersion: '1' } }, 'protocol.minReaderVersion is not a number'],
    [{ protocol: { minReaderVersion: 1 } }, 'protocol.minWriterVersion is not a number'],
    [{ protocol: { ...protocol, readerFeatures: 'a' } }, 'protocol.readerFeatures is not a list of names'],
    [{ protocol: { ...protocol, writerFeatures: [7] } }, 'protocol.writerFeatures is not a list of names'],
    [{ protocol: { ...protocol, minWriterVersion: -1 } }, 'protocol.minWriterVersion is not a number'],
  ])('is refused with the line and the reason: %j', (line, problem) => {
    expect(() => parsed({ txn }, line)).toThrow(
      expect.objectContaining({ code: 'delta.invalid', message: `${where}, line 2: ${problem}.` }),
    );
  });
});
