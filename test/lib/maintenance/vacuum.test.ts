import { beforeEach, describe, expect, it } from 'vitest';
import { putCommit } from '../../../src/lib/delta/commit';
import { commitPath, type TableLocation } from '../../../src/lib/delta/log';
import { writeDataFile } from '../../../src/lib/delta/writeDataFile';
import { dayMs } from '../../../src/lib/duration';
import { TributaryError } from '../../../src/lib/errors';
import { checkpoint } from '../../../src/lib/maintenance/checkpoint';
import { compact } from '../../../src/lib/maintenance/compact';
import { vacuum } from '../../../src/lib/maintenance/vacuum';
import { deletionVector } from '../../kit/deletionVector';
import { type DatedStore, placeInDatedStore } from './datedStore';
import { appendFiles, fields, pathsOf, readRows, snapshotOf } from './table';

const now = Date.now();
const configuration = { 'delta.deletedFileRetentionDuration': 'interval 2 days' };

let store: DatedStore;
let at: TableLocation;
beforeEach(() => {
  ({ store, at } = placeInDatedStore());
});

async function vacuumed(options: Partial<Parameters<typeof vacuum>[0]> = {}) {
  const result = await vacuum({ at, now, ...options });
  if (result.outcome !== 'done') throw new Error(result.outcome);
  return result;
}

/** Makes every object of the table that many days old, but for its newest commit: that says what time the store has. */
async function age(days: number, newest = now) {
  for (const path of await pathsOf(at)) store.date(path, now - days * dayMs);
  store.date((await pathsOf(at, '_delta_log/')).at(-1) ?? '', newest);
}

/** A commit of another writer, with a file that it calls by this path. */
async function addAs(path: string) {
  const add = { path, partitionValues: {}, size: 1, modificationTime: 1, dataChange: true };
  await putCommit(at, 2, [{ add }], { operation: 'WRITE', isBlindAppend: true });
}

describe('a vacuum', () => {
  it('deletes compacted files once they are older than the retention, and no live file', async () => {
    expect(await vacuum({ at })).toEqual({ outcome: 'no-table' });
    await appendFiles(at, 4, { configuration });
    await compact({ at });
    const rows = await readRows(at);
    const later = now + 2.1 * dayMs;
    await age(30, later);
    expect(await vacuumed()).toEqual({ outcome: 'done', deleted: [], bytes: 0 });
    const planned = await vacuumed({ now: later, dryRun: true });
    expect([planned.deleted.length, planned.bytes > 0, (await pathsOf(at)).length]).toEqual([4, true, 11]);
    expect(await vacuumed({ now: later })).toEqual(planned);
    expect((await pathsOf(at)).length).toBe(7);
    expect(await readRows(at)).toEqual(rows);
  });

  it.each([
    ['a day, where the retention is shorter', '0 hours', 1],
    ['the retention', '5 days', 5],
  ])(
    'spares files of commits that are still to come. The least age is %s',
    async (_what, retention, days) => {
      await appendFiles(at, 1, {
        configuration: { 'delta.deletedFileRetentionDuration': `interval ${retention}` },
      });
      const { path } = await writeDataFile({ at, fields, columns: [[1], ['in flight']] });
      store.date(`events/${path}`, now - (days - 0.1) * dayMs);
      expect((await vacuumed()).deleted).toEqual([]);
      store.date(`events/${path}`, now - (days + 0.1) * dayMs);
      expect((await vacuumed()).deleted).toEqual([`events/${path}`]);
    },
  );

  it("keeps a file younger than a day by the store's time, for any clock and retention", async () => {
    await appendFiles(at, 1, { configuration: { 'delta.deletedFileRetentionDuration': 'interval 0 hours' } });
    const { path } = await writeDataFile({ at, fields, columns: [[1], ['in flight']] });
    store.date(`events/${path}`, now - 0.9 * dayMs);
    expect((await vacuumed({ now: now + 5 * dayMs })).deleted).toEqual([]);
  });

  it('spares young files by a clock that runs days ahead of the store', async () => {
    await appendFiles(at, 4, { configuration });
    await compact({ at });
    await writeDataFile({ at, fields, columns: [[1], ['in flight']] });
    expect((await vacuumed({ now: now + 5 * dayMs })).deleted).toEqual([]);
  });

  it('spares a file that is committed while it lists', async () => {
    await appendFiles(at, 1, { configuration });
    const add = await writeDataFile({ at, fields, columns: [[1], ['just in time']] });
    await age(30);
    const list = store.list.bind(store);
    let commits = 0;
    store.list = async function* (prefix) {
      if (prefix === 'events/' && commits++ === 0)
        await putCommit(at, 2, [{ add }], { operation: 'WRITE', isBlindAppend: true });
      yield* list(prefix);
    };
    expect((await vacuumed()).deleted).toEqual([]);
    expect(commits).toBeGreaterThan(0);
  });

  it('deletes the others when a file cannot be deleted, and then says so', async () => {
    await appendFiles(at, 1, { configuration });
    const names = Array.from({ length: 40 }, (_, n) => `left-${String(n).padStart(2, '0')}`);
    for (const name of names) await store.put(`events/${name}`, Buffer.from('x'));
    await age(30);
    const remove = store.delete.bind(store);
    store.delete = async (path) => {
      if (/left-(03|21)$/.test(path)) throw new TributaryError('storage.refused', `${path} is held.`);
      return remove(path);
    };
    await expect(vacuumed()).rejects.toThrow('events/left-03 is held.');
    expect(await pathsOf(at, 'left')).toEqual(['events/left-03', 'events/left-21']);
  });

  describe('of many files', () => {
    const names = Array.from({ length: 40 }, (_, n) => `left-${String(n).padStart(2, '0')}`);
    beforeEach(async () => {
      await appendFiles(at, 1, { configuration });
      for (const name of names) await store.put(`events/${name}`, Buffer.from('x'));
      await age(30);
    });

    it('says how far it is', async () => {
      const steps: string[] = [];
      await vacuumed({ progress: ({ step, done, total }) => steps.push(`${step} ${done}/${total}`) });
      expect([steps[0], steps.at(-1)]).toEqual(['vacuum 0/40', 'vacuum 40/40']);
      // Some are deleted at the same time, so not every number must be told.
      const done = steps.map((step) => Number(/\d+/.exec(step)));
      expect(done).toEqual([...done].sort((a, b) => a - b));
      expect(new Set(done).size).toBeGreaterThan(2);
    });

    it.each([
      ['with the reason', [], 'out of time'],
      ['with what could not be deleted until then', ['events/left-01'], 'events/left-01 is held.'],
    ])('ends between two of them when its signal says so, %s', async (_what, held, message) => {
      const ended = new AbortController();
      const remove = store.delete.bind(store);
      let deleted = 0;
      store.delete = async (path) => {
        if (held.includes(path)) throw new TributaryError('storage.refused', `${path} is held.`);
        if (++deleted === 20) ended.abort(new Error('out of time'));
        return remove(path);
      };
      const failure = await vacuumed({ signal: ended.signal }).catch((error: Error) => error.message);
      expect(failure).toBe(message);
      expect(deleted).toBeLessThan(40);
      expect((await pathsOf(at, 'left')).length).toBe(40 - deleted);
    });
  });

  it('spares hidden files and folders, other tables, and the log', async () => {
    await appendFiles(at, 1, { configuration });
    const spared = ['_delta_index/x.parquet', '.tmp/x.parquet', 'part/_SUCCESS', 'part/.x.crc'];
    for (const path of [...spared, 'part/x.parquet']) await store.put(`events/${path}`, Buffer.from('x'));
    await store.put('events2/x.parquet', Buffer.from('x'));
    await age(30);
    store.date('events2/x.parquet', now - 30 * dayMs);
    expect((await vacuumed()).deleted).toEqual(['events/part/x.parquet']);
    expect(await pathsOf({ store, table: 'events2' })).toEqual(['events2/x.parquet']);
    expect(await pathsOf(at, '_delta_log/')).toHaveLength(2);
  });

  it('spares a table in a folder of this one', async () => {
    await appendFiles(at, 1);
    const inner = { store, table: 'events/late' };
    await appendFiles(inner, 2);
    await appendFiles({ store, table: 'events/0/early' }, 2);
    await store.put('events/lateness/old.parquet', Buffer.from('x'));
    await age(30);
    const rows = await readRows(inner);
    expect((await vacuumed()).deleted).toEqual(['events/lateness/old.parquet']);
    expect(await readRows(inner)).toEqual(rows);
  });

  it('knows a live file by its name, however the log writes it', async () => {
    await appendFiles(at, 1, { configuration });
    await store.put('events/ä b.parquet', Buffer.from('x'));
    await addAs('%C3%A4%20b.parquet');
    await age(30);
    expect((await vacuumed()).deleted).toEqual([]);
  });

  /** As other engines do: some rows of the oldest file are deleted by a vector, and later the file is removed with that vector. */
  async function removeWith(vector: object, daysAgo: number) {
    const { version } = await appendFiles(at, 2, { configuration });
    const [add] = [...(await snapshotOf(at)).files.values()];
    if (!add) throw new Error('There is no file.');
    const { path } = add;
    const remove = { path, deletionTimestamp: now - daysAgo * dayMs, dataChange: true };
    const withVector = { deletionVector: { ...deletionVector, ...vector } };
    const commit = { operation: 'DELETE', isBlindAppend: false };
    await putCommit(at, version + 1, [{ remove }, { add: { ...add, ...withVector } }], commit);
    await putCommit(at, version + 2, [{ remove: { ...remove, ...withVector } }], commit);
    return path;
  }

  describe('of a table with removed files that have deletion vectors', () => {
    const uuid = 'd2c639aa-8816-431a-aaf6-d3fe2512ff61';
    const another = 'events/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff62.bin';

    it.each([
      ['in a folder with a random name', {}, `ab/deletion_vector_${uuid}.bin`],
      ["in the table's folder", { pathOrInlineDv: '^-aqEH.-t@S}K{vb[*k^' }, `deletion_vector_${uuid}.bin`],
      [
        'by an absolute path',
        { storageType: 'p', pathOrInlineDv: `abfss://lake@a.dfs.core.windows.net/events/x%20y/d%20v.bin` },
        'x y/d v.bin',
      ],
    ])('keeps a vector as long as its tombstone: %s', async (_where, vector, file) => {
      const path = await removeWith(vector, 1.9);
      for (const each of [`events/${file}`, another]) await store.put(each, Buffer.from('x'));
      await age(30);
      expect((await vacuumed({ dryRun: true })).deleted).toEqual([another]);
      // Another engine, or the app itself, may have put the tombstone into a checkpoint.
      await checkpoint({ at });
      for (const version of [0, 1, 2, 3]) await store.delete(commitPath('events', version));
      expect((await vacuumed({ dryRun: true })).deleted).toEqual([another]);
      const later = now + dayMs;
      await age(30, later);
      const { deleted } = await vacuumed({ now: later });
      expect([...deleted].sort()).toEqual([`events/${path}`, `events/${file}`, another].sort());
    });

    it('has nothing to keep of a vector that the log itself holds', async () => {
      await removeWith(
        { storageType: 'i', pathOrInlineDv: 'wi5b=000010000siXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L' },
        1,
      );
      await store.put(another, Buffer.from('x'));
      await age(30);
      expect((await vacuumed()).deleted).toEqual([another]);
    });

    it.each([
      { storageType: 'x' },
      { pathOrInlineDv: 'too short' },
      { pathOrInlineDv: 'ab^-aqEH.-t@S}K{vb[*k"' },
      { pathOrInlineDv: '####################' },
      { storageType: 'p', pathOrInlineDv: 'abfss://lake/' },
    ])('deletes nothing if it cannot tell where one is: %j', async (vector) => {
      const path = await removeWith(vector, 1);
      await store.put(another, Buffer.from('x'));
      await age(30);
      await expect(vacuumed()).rejects.toMatchObject({
        code: 'delta.invalid',
        message: `memory/events version 4: it is not known where the deletion vector of the removed file ${path} is.`,
      });
      expect(await store.get(another)).toBeDefined();
    });
  });

  it('deletes nothing when the log names a file outside the table', async () => {
    await appendFiles(at, 1, { configuration });
    await store.put('events/left.parquet', Buffer.from('x'));
    await addAs('../other/x.parquet');
    await age(30);
    await expect(vacuumed()).rejects.toThrow(
      'memory/events version 2: the data file ../other/x.parquet leaves the table.',
    );
    expect(await pathsOf(at, 'left')).toEqual(['events/left.parquet']);
  });
});
