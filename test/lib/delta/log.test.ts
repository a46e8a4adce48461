import { describe, expect, it } from 'vitest';
import {
  checkpointPath,
  commitPath,
  dataFilePath,
  lastCheckpointPath,
  listLog,
  listLogFiles,
  logPrefix,
  parseLastCheckpoint,
} from '../../../src/lib/delta/log';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';

const at = { store: new MemoryStore(), table: 'events' };

it('the files of the log have the names of the protocol', () => {
  expect([commitPath('events', 0), commitPath('events', 12_345)]).toEqual([
    'events/_delta_log/00000000000000000000.json',
    'events/_delta_log/00000000000000012345.json',
  ]);
  expect(checkpointPath('events', 10)).toBe('events/_delta_log/00000000000000000010.checkpoint.parquet');
  expect(lastCheckpointPath('events')).toBe('events/_delta_log/_last_checkpoint');
});

describe('the path of a data file', () => {
  it.each([
    ['part-1.parquet', 'events/part-1.parquet'],
    ['day=2026-01-01/%C3%A4%20b.parquet', 'events/day=2026-01-01/ä b.parquet'],
    ['..a/.b/c..parquet', 'events/..a/.b/c..parquet'],
  ])('%s is one inside its table', (path, inStore) => {
    expect(dataFilePath(at, path, 1)).toBe(inStore);
  });

  // A path with a "." names the same file as one without, but is another text: vacuum would delete the live file.
  it.each([
    ['../other/x.parquet', 'leaves the table'],
    ['a/../../x.parquet', 'leaves the table'],
    ['a/%2E%2E/x.parquet', 'leaves the table'],
    ['./x.parquet', 'leaves the table'],
    ['a/./x.parquet', 'leaves the table'],
    ['%2e/x.parquet', 'leaves the table'],
    ['/events/x.parquet', 'has an absolute path'],
    ['abfss://lake@account.dfs.core.windows.net/x.parquet', 'has an absolute path'],
    ['100%.parquet', 'has a path that is not URI-encoded'],
  ])('is refused as %s: it %s', (path, problem) => {
    expect(() => dataFilePath(at, path, 7)).toThrow(
      expect.objectContaining({
        code: 'delta.invalid',
        message: `memory/events version 7: the data file ${path} ${problem}.`,
      }),
    );
  });
});

describe('the pointer to the last checkpoint', () => {
  const parsed = (text: string) => parseLastCheckpoint('events', Buffer.from(text));
  const classic = { version: 7, paths: [checkpointPath('events', 7)] };

  it.each(['{"version":7}', '{"version":7,"size":3}', '{"version":7,"parts":1}', '{"version":7,"parts":0}'])(
    'names the one file of a checkpoint: %s',
    (text) => {
      expect(parsed(text)).toEqual(classic);
    },
  );

  it('names every part of a checkpoint', () => {
    const part = (n: number) =>
      `${logPrefix('events')}00000000000000000000.checkpoint.000000000${n}.0000000003.parquet`;
    expect(parsed('{"version":0,"parts":3}')).toEqual({ version: 0, paths: [part(1), part(2), part(3)] });
    expect(parsed('{"version":0,"parts":100000}')?.paths).toHaveLength(100_000);
  });

  it.each([
    '',
    'null',
    '7',
    '{}',
    '{"version":-1}',
    '{"version":1.5}',
    '{"version":"7"}',
    '{"version":7,"parts":-1}',
    '{"version":7,"parts":null}',
    '{"version":7,"parts":100001}',
  ])('is ignored if it is damaged: %s', (text) => {
    expect(parsed(text)).toBeUndefined();
  });
});

describe('the list of a log', () => {
  const digits = (version: number) => String(version).padStart(20, '0');
  const part = (version: number, n: number, of: number) =>
    `${digits(version)}.checkpoint.${String(n).padStart(10, '0')}.${String(of).padStart(10, '0')}.parquet`;
  const written = async (...names: string[]) => {
    const log = { store: new MemoryStore(), table: 'events' };
    for (const name of names) await log.store.put(`${logPrefix('events')}${name}`, Buffer.from('x'));
    return log;
  };

  it('has the complete checkpoints of every kind, and counts incomplete ones to its newest version', async () => {
    const log = await written(
      `${digits(3)}.checkpoint.parquet`,
      part(3, 1, 2),
      part(3, 2, 2),
      part(4, 1, 1),
      part(6, 1, 2),
      part(6, 2, 3),
      part(6, 3, 3),
      `${digits(5)}.json`,
      `${digits(2)}.json`,
    );
    const { commits, checkpoints, newest } = await listLog(log);
    expect([commits, newest]).toEqual([[2, 5], 6]);
    const names = checkpoints.map(({ version, paths }) => [version, paths.length]);
    expect(names).toHaveLength(3);
    expect(names).toEqual(
      expect.arrayContaining([
        [3, 1],
        [3, 2],
        [4, 1],
      ]),
    );
    expect(names.at(-1)).toEqual([4, 1]);
  });

  it('is empty where there is no log', async () => {
    expect(await listLog(await written())).toEqual({
      commits: [],
      checkpoints: [],
      v2Checkpoints: [],
      newest: -1,
    });
  });

  it('tells commits and checkpoints from the files of other writers', async () => {
    const log = await written(
      `${digits(1)}.json`,
      `${digits(1)}.crc`,
      `${digits(1)}.${digits(4)}.compacted.json`,
      `${digits(2)}.checkpoint.3f0c.parquet`,
      `${digits(9)}.${digits(9)}.json`,
      '_last_checkpoint',
      '1.json',
      `_staged_commits/${digits(8)}.json`,
      `${digits(8)}.json\n.part`,
    );
    const found: string[] = [];
    for await (const { kind, version } of listLogFiles(log))
      if (kind !== 'other' || version === undefined) found.push(`${kind} ${version}`);
      else found.push(`of ${version}`);
    const unknown = Array.from({ length: 4 }, () => 'other undefined');
    expect(found.sort()).toEqual(['commit 1', 'of 1', 'of 2', 'of 4', 'of 9', ...unknown]);
    expect((await listLog(log)).newest).toBe(1);
  });
});

it('the parts of a checkpoint are found by the pointer, whatever the name of the table', () => {
  const hint = Buffer.from('{"version":12,"size":9,"parts":2}');
  expect(parseLastCheckpoint('parquet', hint)).toEqual({
    version: 12,
    paths: [1, 2].map(
      (part) => `parquet/_delta_log/00000000000000000012.checkpoint.000000000${part}.0000000002.parquet`,
    ),
  });
});
