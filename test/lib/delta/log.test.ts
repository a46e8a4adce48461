import { describe, expect, it } from 'vitest';
import { checkpointPath, commitPath, dataFilePath, lastCheckpointPath } from '../../../src/lib/delta/log';
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
