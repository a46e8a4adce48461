import { beforeEach, describe, expect, it } from 'vitest';
import { putCommit } from '../../../src/lib/delta/commit';
import { commitPath } from '../../../src/lib/delta/log';
import { openSnapshot } from '../../../src/lib/delta/openTable';
import { replayLetters } from '../../../src/lib/ingest/replayLetters';
import { deadLettersTable } from '../../../src/lib/lake/deadLetters';
import { readLetters } from '../../../src/lib/lake/readLetters';
import { checkpoint } from '../../../src/lib/maintenance/checkpoint';
import { clickstream } from '../../../src/lib/streams/clickstream';
import { problemsOf } from '../../../src/lib/verify/partitionAudit';
import { type RecordErasedOptions, recordErased } from '../../../src/lib/verify/recordErased';
import { verifyStream } from '../../../src/lib/verify/verifyStream';
import { StreamTables } from './streamTables';

let tables: StreamTables;
beforeEach(() => {
  tables = new StreamTables();
});

const at = (table: string) => ({ store: tables.store, table });
const record = (options: Partial<RecordErasedOptions> = {}) =>
  recordErased({
    stream: clickstream,
    rows: at(clickstream.table),
    letters: at(deadLettersTable),
    ...options,
  });

const problems = async () =>
  ((await verifyStream({ store: tables.store, stream: clickstream }))?.partitions ?? []).flatMap(problemsOf);

/** Removes the newest file of a table, as another engine does with all rows of one. */
async function removeNewestFile(table: string, operation = 'DELETE'): Promise<string> {
  const snapshot = await openSnapshot(at(table));
  const path = [...(snapshot?.files.keys() ?? [])].at(-1) ?? '';
  const remove = { path, dataChange: true, deletionTimestamp: Date.now() };
  await putCommit(at(table), (snapshot?.version ?? 0) + 1, [{ remove }], { operation, isBlindAppend: false });
  return path;
}

const erasedLetters = async () => {
  const letters = await openSnapshot(at(deadLettersTable));
  return (letters ? await readLetters(letters) : []).filter(({ reason }) => reason === 'erased');
};

describe('recordErased', () => {
  beforeEach(async () => {
    await tables.commit([[0, 0]], [[0, 0]]);
    await tables.commit(
      [
        [0, 1, 0],
        [0, 1, 1],
      ],
      [[0, 1]],
    );
  });

  it('accounts for rows that a DELETE removed, so that verify does not miss them', async () => {
    await removeNewestFile(clickstream.table);
    expect(await problems()).toEqual(['1 event missing']);
    expect(await record()).toMatchObject({ deletions: 1, erased: 2 });
    expect(await problems()).toEqual([]);
    expect(await erasedLetters()).toMatchObject([
      { sequenceNumber: 1, element: 0 },
      { sequenceNumber: 1, element: 1 },
    ]);
  });

  it('adds nothing the second time, and nothing if it only says what it would record', async () => {
    await removeNewestFile(clickstream.table);
    expect(await record({ dryRun: true })).toMatchObject({ deletions: 1, erased: 2 });
    expect(await erasedLetters()).toEqual([]);
    await record();
    expect(await record()).toMatchObject({ deletions: 1, erased: 0 });
    expect(await erasedLetters()).toHaveLength(2);
  });

  it.each([
    ['log entry', 4],
    ['file', 1],
    ['removed file', 1],
  ])('tells of each %s that it read, where it can be ended', async (wanted, times) => {
    await removeNewestFile(clickstream.table);
    const ended = new Error('Ended.');
    const onRead = (what: string, done: number, total: number) => {
      if (what === wanted && done === total) throw ended;
    };
    await expect(record({ onRead })).rejects.toBe(ended);
    expect(await erasedLetters()).toEqual([]);
    const read: string[] = [];
    await record({ onRead: (what) => void read.push(what) });
    expect(read.filter((what) => what === wanted)).toHaveLength(times);
  });

  it.each(['RESTORE', 'WRITE'])('does not hide rows that a %s took away', async (operation) => {
    await removeNewestFile(clickstream.table, operation);
    expect(await record()).toMatchObject({ deletions: 0, erased: 0 });
    expect(await problems()).toEqual(['1 event missing']);
  });

  it('leaves rows alone that came back', async () => {
    await removeNewestFile(clickstream.table);
    await tables.commit([[0, 1, 0]], []);
    expect(await record()).toMatchObject({ deletions: 1, erased: 1 });
    expect(await erasedLetters()).toMatchObject([{ element: 1 }]);
  });

  it('accounts for letters of the stream that a DELETE removed, without their bodies', async () => {
    await tables.addLetters([
      { partition: 0, sequenceNumber: 2, body: 'private' },
      { partition: 0, sequenceNumber: 2, stream: 'coincap' },
      { partition: 0, sequenceNumber: 9, reason: 'expired', body: '{"first":9,"last":9}' },
    ]);
    await tables.commit([[0, 3]], [[0, 3]]);
    await removeNewestFile(deadLettersTable);
    expect(await problems()).toEqual(['1 event missing']);
    expect(await record()).toMatchObject({ deletions: 1, erased: 1 });
    expect(await problems()).toEqual([]);
  });

  it('records later DELETEs where vacuum has deleted the files of an earlier one, and names that', async () => {
    const removed = await removeNewestFile(clickstream.table);
    expect(await record()).toMatchObject({ erased: 2, unreadable: [] });
    await tables.store.delete(`${clickstream.table}/${removed}`);
    await removeNewestFile(clickstream.table);
    expect(await record()).toEqual({
      ...{ deletions: 2, erased: 1 },
      unreadable: [{ table: clickstream.table, version: 3, why: `its file ${removed} is gone` }],
    });
    expect(await problems()).toEqual([]);
  });

  it('names a DELETE whose files vacuum has deleted too early, of which nothing is on record', async () => {
    const removed = await removeNewestFile(clickstream.table);
    await tables.store.delete(`${clickstream.table}/${removed}`);
    expect(await record()).toMatchObject({ deletions: 1, erased: 0, unreadable: [{ version: 3 }] });
    expect(await problems()).toEqual(['1 event missing']);
  });

  it('names a DELETE before which the log holds nothing any more', async () => {
    await removeNewestFile(clickstream.table);
    await checkpoint({ at: at(clickstream.table) });
    for (const version of [0, 1, 2]) await tables.store.delete(commitPath(clickstream.table, version));
    expect(await record()).toMatchObject({
      ...{ deletions: 1, erased: 0 },
      unreadable: [
        { table: clickstream.table, version: 3, why: 'the log no longer holds the version before it' },
      ],
    });
  });

  it('does not pass over a removed file that is damaged', async () => {
    const removed = await removeNewestFile(clickstream.table);
    await tables.store.put(`${clickstream.table}/${removed}`, new Uint8Array(9));
    await expect(record()).rejects.toThrow(removed);
  });
});

it('a replay brings nothing back that was erased', async () => {
  const body = '[{"productid":1},{"productid":"bad"}]';
  await tables.commit([[0, 0, 0]], [[0, 0]]);
  await tables.addLetters([{ partition: 0, sequenceNumber: 0, element: 1, reason: 'wrong-shape', body }]);
  await removeNewestFile(clickstream.table);
  expect(await record()).toMatchObject({ deletions: 1, erased: 1 });
  const replayed = await replayLetters({
    stream: clickstream,
    rows: at(clickstream.table),
    letters: at(deadLettersTable),
  });
  expect(replayed).toEqual({ settled: 0, appended: 0, remaining: 2 });
});
