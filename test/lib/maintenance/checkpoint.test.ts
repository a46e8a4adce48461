import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { putCommit } from '../../../src/lib/delta/commit';
import {
  checkpointPath,
  commitPath,
  lastCheckpointPath,
  type TableLocation,
} from '../../../src/lib/delta/log';
import { readParquet } from '../../../src/lib/delta/parquet/read';
import { dayMs } from '../../../src/lib/duration';
import { checkpoint } from '../../../src/lib/maintenance/checkpoint';
import { compact } from '../../../src/lib/maintenance/compact';
import { moveLastCheckpoint } from '../../../src/lib/maintenance/lastCheckpoint';
import { deletionVector } from '../../kit/deletionVector';
import { sourceOf } from '../delta/parquet/byteSource';
import { openDuckDb } from '../delta/parquet/duckdb';
import { DatedStore } from './datedStore';
import { appendFiles, newLocation, readRows, snapshotOf, stateOf } from './table';

let at: TableLocation;
beforeEach(() => {
  at = newLocation();
});

const hint = async () =>
  JSON.parse(Buffer.from((await at.store.get(lastCheckpointPath('events')))?.bytes ?? '').toString());

async function forgetCommits(first: number, last: number) {
  for (let version = first; version <= last; version++) await at.store.delete(commitPath('events', version));
}

it('is not made of a table with a feature that we do not know', async () => {
  await appendFiles(at, 2);
  const protocol = { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['rowTracking'] };
  await putCommit(at, 3, [{ protocol }], { operation: 'UPGRADE PROTOCOL', isBlindAppend: false });
  await expect(checkpoint({ at })).rejects.toMatchObject({ code: 'delta.unsupported' });
  expect(await at.store.get(checkpointPath('events', 3))).toBeUndefined();
});

it('of a log with a value that no column takes is refused with the names of table, version and member', async () => {
  await appendFiles(at, 1);
  const odd = JSON.stringify({ txn: { appId: 'theirs', version: 1, lastUpdated: 'today' } });
  await at.store.put(commitPath('events', 2), Buffer.from(odd));
  await expect(checkpoint({ at })).rejects.toMatchObject({
    code: 'parquet.value',
    message: expect.stringMatching(
      /^memory\/events version 2, checkpoint: txn\.lastUpdated, value 0: expected a whole number/,
    ),
  });
});

it('keeps lists of features that are empty, also of the checkpoint before', async () => {
  await appendFiles(at, 1);
  const protocol = { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: [], writerFeatures: [] };
  await putCommit(at, 2, [{ protocol }], { operation: 'UPGRADE PROTOCOL', isBlindAppend: false });
  await checkpoint({ at });
  await appendFiles(at, 1, { first: 10 });
  await checkpoint({ at });
  const bytes = (await at.store.get(checkpointPath('events', 3)))?.bytes ?? new Uint8Array();
  const { columns } = await readParquet({ source: sourceOf(bytes), columns: ['protocol'], where: 'it' });
  expect(columns.get('protocol')?.find((each) => each !== null)).toEqual(protocol);
});

it('keeps the deletion vector of a file that was removed with it, and not the file without one', async () => {
  await appendFiles(at, 2);
  const [path = ''] = (await snapshotOf(at)).files.keys();
  const remove = { path, deletionTimestamp: Date.now(), dataChange: false, deletionVector };
  await putCommit(at, 3, [{ remove }], { operation: 'DELETE', isBlindAppend: false });
  expect(await checkpoint({ at })).toMatchObject({ outcome: 'written', files: 2 });
  await forgetCommits(0, 3);
  const { files, tombstones } = await snapshotOf(at);
  expect([files.has(path), [...tombstones.values()]]).toEqual([true, [remove]]);
});

it('is not made of a table with a live file that has a deletion vector, which stands in no protocol', async () => {
  await appendFiles(at, 2);
  const [[path, add] = []] = (await snapshotOf(at)).files;
  if (!add) throw new Error('no file');
  const vectored = { add: { ...add, deletionVector } };
  const refusal = {
    code: 'delta.unsupported',
    message: expect.stringMatching(
      `version 3: the file ${path} has a deletion vector, .*: REORG TABLE <table> APPLY \\(PURGE\\)\\.`,
    ),
  };
  await putCommit(at, 3, [vectored], { operation: 'DELETE', isBlindAppend: false });
  await expect(checkpoint({ at })).rejects.toMatchObject(refusal);
  await expect(snapshotOf(at)).rejects.toMatchObject(refusal);
  expect((await stateOf(at)).version).toBe(3);
});

it('is not made from one of another writer with such a file', async () => {
  await appendFiles(at, 2);
  await checkpoint({ at });
  const [path = ''] = (await snapshotOf(at)).files.keys();
  const ours = (await at.store.get(checkpointPath('events', 2)))?.bytes ?? new Uint8Array();
  await at.store.put(checkpointPath('events', 2), await withVector(ours, path));
  await appendFiles(at, 1, { first: 10 });
  await expect(checkpoint({ at })).rejects.toMatchObject({
    code: 'delta.unsupported',
    message: expect.stringMatching(`version 3: the file ${path} has a deletion vector, `),
  });
  expect(await at.store.get(checkpointPath('events', 3))).toBeUndefined();
});

/** A checkpoint as another writer makes it, with a deletion vector for one of its files. */
async function withVector(bytes: Uint8Array, path: string): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), 'checkpoint-'));
  const [from, to] = [join(folder, 'ours.parquet'), join(folder, 'theirs.parquet')];
  const duckdb = await openDuckDb();
  try {
    writeFileSync(from, bytes);
    const { storageType, pathOrInlineDv, sizeInBytes } = deletionVector;
    const vector = `{storageType: '${storageType}', pathOrInlineDv: '${pathOrInlineDv}', sizeInBytes: ${sizeInBytes}}`;
    await duckdb.run(
      `COPY (SELECT * REPLACE (CASE WHEN add IS NOT NULL THEN struct_insert(add, deletionVector := CASE WHEN add.path = '${path}' THEN ${vector} END) END AS add) FROM '${from}') TO '${to}' (FORMAT parquet)`,
    );
    return readFileSync(to);
  } finally {
    duckdb.close();
    rmSync(folder, { recursive: true });
  }
}

describe('a checkpoint of commits that storage loses meanwhile', () => {
  it.each(['before', 'after'] as const)('is not kept: they went %s it was written', async (when) => {
    await appendFiles(at, 6);
    const { store } = at;
    const { putIfAbsent } = store;
    const goBack = async () => {
      for (const version of [5, 6]) await store.delete(commitPath(at.table, version));
    };
    if (when === 'before') {
      const { get } = store;
      store.get = async (path) => {
        const found = await get.call(store, path);
        if (path === commitPath(at.table, 6)) await goBack();
        return found;
      };
    } else
      store.putIfAbsent = async (...args) => {
        const outcome = await putIfAbsent.apply(store, args);
        await goBack();
        return outcome;
      };
    await expect(checkpoint({ at })).rejects.toMatchObject({ code: 'delta.contention' });
    expect(await store.get(checkpointPath(at.table, 6))).toBeUndefined();
    expect((await snapshotOf(at)).version).toBe(4);
  });
});

describe('a checkpoint', () => {
  it('replaces all commits before it', async () => {
    expect(await checkpoint({ at })).toEqual({ outcome: 'no-table' });
    await appendFiles(at, 9);
    await compact({ at });
    const before = await snapshotOf(at);
    const rows = await readRows(at);
    expect(await checkpoint({ at })).toEqual({ outcome: 'written', version: 10, files: 1 });
    await forgetCommits(0, 9);
    const after = await snapshotOf(at);
    expect({ ...after, files: [...after.files.values()] }).toEqual({
      ...before,
      // The entry before was not read on this way.
      reachedFrom: undefined,
      files: [...before.files.values()],
      tombstones: new Map([...before.tombstones].map(([path, remove]) => [path, { ...remove }])),
    });
    expect(after.committedAt).toBe(before.committedAt);
    expect(await readRows(at)).toEqual(rows);
    expect((await appendFiles(at, 2, { first: 90 })).version).toBe(12);
    expect((await stateOf(at)).txns.get('p0')?.version).toBe(109);
  });

  it('copies the files of the previous one', async () => {
    await appendFiles(at, 6);
    await checkpoint({ at });
    await appendFiles(at, 2, { first: 60 });
    const [first] = (await snapshotOf(at)).files.values();
    await putCommit(
      at,
      9,
      [{ remove: { path: first?.path ?? '', dataChange: true, deletionTimestamp: Date.now() } }],
      {
        operation: 'DELETE',
        isBlindAppend: false,
      },
    );
    await compact({ at });
    await appendFiles(at, 1, { first: 80 });
    const before = await snapshotOf(at);
    expect([before.version, before.files.size, before.tombstones.size]).toEqual([11, 2, 8]);
    expect(await checkpoint({ at })).toEqual({ outcome: 'written', version: 11, files: 2 });
    await forgetCommits(0, 10);
    await at.store.delete(checkpointPath('events', 6));
    const after = await snapshotOf(at);
    expect([[...after.files.keys()].sort(), [...after.tombstones.keys()].sort(), [...after.txns]]).toEqual([
      [...before.files.keys()].sort(),
      [...before.tombstones.keys()].sort(),
      [...before.txns],
    ]);
  });

  it('is written from an older one if the files of the previous one cannot be read', async () => {
    await appendFiles(at, 3);
    await checkpoint({ at });
    await appendFiles(at, 3, { first: 30 });
    await checkpoint({ at });
    await appendFiles(at, 1, { first: 60 });
    // Protocol, metaData and txns can still be read: the page of the longest column, the statistics of files, cannot.
    const found = await at.store.get(checkpointPath('events', 6));
    const bytes = Buffer.from(found?.bytes ?? '');
    const stats = bytes.indexOf('numRecords');
    expect(stats).toBeGreaterThan(0);
    bytes.fill(0xff, stats - 20, stats + 20);
    await at.store.put(checkpointPath('events', 6), bytes);
    expect(await checkpoint({ at })).toEqual({ outcome: 'written', version: 7, files: 7 });
    expect((await readRows(at)).length).toBe(70);
  });

  it.each([
    ['is written from the commits', 0, { outcome: 'written', version: 4, files: 4 }],
    ['is not written', 2, undefined],
  ])('%s if the previous one is gone by the time its files are read', async (_what, cleaned, expected) => {
    await appendFiles(at, 3);
    await checkpoint({ at });
    await appendFiles(at, 1, { first: 30 });
    if (cleaned > 0) await forgetCommits(0, cleaned);
    const { store } = at;
    const { get } = store;
    let reads = 0;
    store.get = async (path) => {
      // Opening the table reads the newest entry for the first time; the files of the checkpoint come after the second.
      if (path === commitPath('events', 4) && ++reads === 2) await store.delete(checkpointPath('events', 3));
      return get.call(store, path);
    };
    const written = await checkpoint({ at }).catch((error: unknown) => error);
    expect(written).toMatchObject(expected ?? { code: 'delta.invalid' });
    expect((await store.get(checkpointPath('events', 4))) !== undefined).toBe(expected !== undefined);
  });

  it('is described in _last_checkpoint in a few bytes', async () => {
    await appendFiles(at, 3);
    await checkpoint({ at });
    const { size } = (await at.store.getRange(checkpointPath('events', 3), 0, 1)) ?? {};
    expect(await hint()).toEqual({ version: 3, size: 6, sizeInBytes: size, numOfAddFiles: 3 });
    expect((await at.store.get(lastCheckpointPath('events')))?.bytes.length).toBeLessThan(200);
  });

  it('is written once, and found to be there', async () => {
    await appendFiles(at, 2);
    await checkpoint({ at });
    const { etag } = (await at.store.get(checkpointPath('events', 2))) ?? {};
    expect((await checkpoint({ at })).outcome).toBe('current');
    await at.store.delete(lastCheckpointPath('events'));
    expect((await checkpoint({ at })).outcome).toBe('exists');
    expect((await at.store.get(checkpointPath('events', 2)))?.etag).toBe(etag);
    expect(await hint()).toMatchObject({ version: 2, size: 5, numOfAddFiles: 2 });
  });

  it('never moves the pointer back, but mends one that points to nothing', async () => {
    await appendFiles(at, 2);
    await at.store.put(checkpointPath('events', 5), Buffer.from('of somebody who is faster'));
    const of = (version: number) => ({ version, size: 5, sizeInBytes: 1, numOfAddFiles: 2 });
    await moveLastCheckpoint(at, of(5));
    await moveLastCheckpoint(at, of(2));
    expect(await hint()).toEqual(of(5));
    await at.store.delete(checkpointPath('events', 5));
    expect((await checkpoint({ at })).outcome).toBe('written');
    expect(await hint()).toMatchObject({ version: 2 });
    await at.store.put(lastCheckpointPath('events'), Buffer.from('{"vers'));
    expect((await checkpoint({ at })).outcome).toBe('exists');
    expect(await hint()).toMatchObject({ version: 2 });
  });

  it('of another commit of its version, which came meanwhile, is left in its place', async () => {
    await appendFiles(at, 2);
    const { store } = at;
    const putIfAbsent = store.putIfAbsent.bind(store);
    // Storage goes back in time. Another process commits the version again, and makes a checkpoint of it.
    store.putIfAbsent = async (path, bytes) => {
      store.putIfAbsent = putIfAbsent;
      await store.delete(commitPath('events', 2));
      await appendFiles(at, 1, { first: 100 });
      expect((await checkpoint({ at })).outcome).toBe('written');
      return putIfAbsent(path, bytes);
    };
    await expect(checkpoint({ at })).rejects.toMatchObject({ code: 'delta.contention' });
    expect(await store.get(checkpointPath('events', 2))).toBeDefined();
  });

  it('says how many files are in it', async () => {
    await appendFiles(at, 3);
    await checkpoint({ at });
    await appendFiles(at, 2, { first: 30 });
    const seen: unknown[] = [];
    await checkpoint({ at, progress: (progress) => seen.push(progress) });
    expect(seen.at(-1)).toEqual({ step: 'checkpoint', done: 5, total: 5 });
    expect(seen).toContainEqual({ step: 'checkpoint', done: 3, total: 3 });
  });

  it('points to no checkpoint that is damaged', async () => {
    await appendFiles(at, 2);
    await at.store.put(checkpointPath('events', 2), Buffer.from('PAR1 cut short PAR1'));
    await expect(checkpoint({ at })).rejects.toThrow(
      'memory/events version 2, checkpoint events/_delta_log/',
    );
    expect(await at.store.get(lastCheckpointPath('events'))).toBeUndefined();
  });

  it('drops expired tombstones and keeps every txn', async () => {
    const store = new DatedStore();
    at = { store, table: 'events' };
    const configuration = { 'delta.deletedFileRetentionDuration': 'interval 2 days' };
    await appendFiles(at, 4, { configuration });
    await compact({ at });
    await putCommit(at, 6, [{ txn: { appId: 'replay/old', version: 1, lastUpdated: 1 } }], {
      operation: 'WRITE',
      isBlindAppend: true,
    });
    const now = Date.now();
    store.date(commitPath('events', 6), now + 1.9 * dayMs);
    await checkpoint({ at, now: now + 9 * dayMs });
    expect((await snapshotOf(at)).tombstones.size).toBe(4);
    await appendFiles(at, 1, { first: 40 });
    store.date(commitPath('events', 7), now + 9 * dayMs);
    await checkpoint({ at, now: now + 2.1 * dayMs });
    const { tombstones, txns, files } = await snapshotOf(at);
    expect([tombstones.size, [...txns.keys()].sort(), files.size]).toEqual([0, ['p0', 'replay/old'], 2]);
  });

  it('keeps young tombstones by a clock that runs days ahead of the store', async () => {
    await appendFiles(at, 4, { configuration: { 'delta.deletedFileRetentionDuration': 'interval 2 days' } });
    await compact({ at });
    await checkpoint({ at, now: Date.now() + 5 * dayMs });
    await forgetCommits(0, 4);
    expect((await snapshotOf(at)).tombstones.size).toBe(4);
  });

  it('is refused with the name of the property if an interval is malformed', async () => {
    await appendFiles(at, 1, { configuration: { 'delta.deletedFileRetentionDuration': 'interval 1 month' } });
    await expect(checkpoint({ at })).rejects.toMatchObject({
      code: 'delta.invalid',
      message:
        'memory/events version 1: the table property delta.deletedFileRetentionDuration is "interval 1 month": expected an interval of weeks, days, hours, minutes or seconds, like "interval 3 days".',
    });
  });

  it('does nothing when its signal has ended', async () => {
    await appendFiles(at, 1);
    const signal = AbortSignal.abort(new Error('out of time'));
    await expect(checkpoint({ at, signal })).rejects.toThrow('out of time');
    expect(await at.store.get(checkpointPath('events', 1))).toBeUndefined();
  });
});

describe('statistics in a checkpoint', () => {
  const struct = { 'delta.checkpoint.writeStatsAsStruct': 'true' };
  const structOnly = { ...struct, 'delta.checkpoint.writeStatsAsJson': 'false' };

  it.each([
    ['as JSON unless the table says otherwise', {}, true, false],
    ['as a struct as well, where the table wants it', struct, true, true],
    ['as a struct alone, where the table wants that', structOnly, false, true],
    [
      'as JSON, so that they are not lost, where the table wants none',
      { ...structOnly, 'delta.checkpoint.writeStatsAsStruct': 'false' },
      true,
      false,
    ],
  ])('are written %s, and no checkpoint after that loses them', async (_how, configuration, json, parsed) => {
    await appendFiles(at, 2, { configuration });
    const before = await statsOf();
    for (const version of [2, 3]) {
      await checkpoint({ at });
      const path = checkpointPath(at.table, version);
      const { bytes } = (await at.store.get(path)) ?? { bytes: Buffer.alloc(0) };
      const { columns } = await readParquet({ source: sourceOf(bytes), columns: ['add'], where: path });
      const adds = (columns.get('add') ?? []).filter((add) => add !== null) as Record<string, unknown>[];
      expect(adds.map((add) => typeof add.stats === 'string')).toEqual(adds.map(() => json));
      expect(adds.map((add) => typeof add.stats_parsed === 'object')).toEqual(adds.map(() => parsed));
      for (let entry = 0; entry < version; entry++) await at.store.delete(commitPath(at.table, entry));
      expect((await statsOf()).slice(0, 2)).toEqual(before);
      await appendFiles(at, 1, { first: version * 10 });
    }
  });

  /** What the statistics of each file say. */
  async function statsOf() {
    const { files } = await snapshotOf(at);
    const said = [...files.values()].map(({ stats }) => JSON.parse(stats ?? 'null'));
    return said.sort((a, b) => a.minValues.id - b.minValues.id);
  }
});
