import { describe, expect, it } from 'vitest';
import { type Action, parseCommit, serializeCommit } from '../../../src/lib/delta/actions';
import { cutIntoLoads } from '../../../src/lib/warehouse/deltaVersions';

const tableId = 'clicks';

/** A commit of one file with this many rows and bytes; without rows, of no file. */
function commit(version: number, rows: number, size = 1) {
  const stats = JSON.stringify({ numRecords: rows });
  const add = { path: `${version}`, partitionValues: {}, size, modificationTime: 1, dataChange: true, stats };
  const actions: Action[] = rows === 0 ? [] : [{ add }];
  return parseCommit(serializeCommit(actions), version, 'a commit');
}

/** The versions that end a load, and the files in it. */
const cut = (commits: ReturnType<typeof commit>[], rows: number, bytes: number) =>
  cutIntoLoads(commits, tableId, { rows, bytes }).ranges.map(({ to, files }) => [
    to,
    files.map(({ path }) => path).join(' '),
  ]);

describe('commits cut into loads', () => {
  it('share a load up to its limit of rows, and no further', () => {
    const commits = [commit(1, 10), commit(2, 10), commit(3, 10), commit(4, 1)];
    expect(cut(commits, 20, 1000)).toEqual([
      [2, '1 2'],
      [4, '3 4'],
    ]);
    expect(cut(commits, 19, 1000)).toEqual([
      [1, '1'],
      [2, '2'],
      [4, '3 4'],
    ]);
  });

  it('share a load up to its limit of bytes, and no further', () => {
    const commits = [commit(1, 1, 10), commit(2, 1, 10), commit(3, 1, 10), commit(4, 1, 1)];
    expect(cut(commits, 1000, 20)).toEqual([
      [2, '1 2'],
      [4, '3 4'],
    ]);
    expect(cut(commits, 1000, 19)).toEqual([
      [1, '1'],
      [2, '2'],
      [4, '3 4'],
    ]);
  });

  it('are a load of their own if one exceeds the limits; versions without rows join any load', () => {
    const commits = [commit(1, 500, 500), commit(2, 0), commit(3, 5)];
    expect(cut(commits, 10, 10)).toEqual([
      [1, '1'],
      [3, '3'],
    ]);
    expect(cut([commit(1, 5), commit(2, 0), commit(3, 0)], 10, 10)).toEqual([[3, '1']]);
  });

  it('end before the first one that takes rows away, and say why', () => {
    const remove = { path: '1', dataChange: true, deletionTimestamp: 1 };
    const rewrite = parseCommit(serializeCommit([{ remove }]), 2, 'a commit');
    expect(
      cutIntoLoads([commit(1, 5), rewrite, commit(3, 5)], tableId, { rows: 10, bytes: 10 }),
    ).toMatchObject({
      ranges: [{ to: 1 }],
      rewrite: 'version 2 takes rows away',
    });
  });
});
