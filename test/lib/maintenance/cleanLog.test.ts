import { beforeEach, describe, expect, it } from 'vitest';
import { putCommit } from '../../../src/lib/delta/commit';
import { followSnapshot } from '../../../src/lib/delta/follow';
import {
  checkpointPath,
  commitPath,
  lastCheckpointPath,
  type TableLocation,
} from '../../../src/lib/delta/log';
import { openSnapshot } from '../../../src/lib/delta/openTable';
import { dayMs } from '../../../src/lib/duration';
import { TributaryError } from '../../../src/lib/errors';
import { checkpoint } from '../../../src/lib/maintenance/checkpoint';
import { cleanLog } from '../../../src/lib/maintenance/cleanLog';
import { DatedStore, placeInDatedStore } from './datedStore';
import { appendFiles, pathsOf, readRows, snapshotOf } from './table';

/** Noon, so that midnight is the one before. */
const now = Math.floor(Date.now() / dayMs) * dayMs + dayMs / 2;

let store: DatedStore;
let at: TableLocation;
beforeEach(() => {
  ({ store, at } = placeInDatedStore());
});

/** Versions 0 to 12, the newest of which is from today; each is half a day older than the next. Checkpoints at 3, 6 and 9. */
async function appendHistory(retention: string, more: Record<string, string> = {}) {
  const configuration = { 'delta.logRetentionDuration': retention, ...more };
  for (let round = 0; round < 4; round++) {
    await appendFiles(at, 3, { first: round * 30, configuration });
    if (round < 3) await checkpoint({ at });
  }
  for (let version = 0; version <= 12; version++) {
    const written = now - ((12 - version) * dayMs) / 2;
    store.date(commitPath('events', version), written);
    store.date(checkpointPath('events', version), written + 1000);
  }
}

const versions = async () =>
  (await pathsOf(at, '_delta_log/')).map((path) => path.replace(/^.*_delta_log\/0*(?=\d+\.|_)/, ''));

describe('cleaning the log', () => {
  it('leaves a table alone that has a feature which it does not know', async () => {
    await appendHistory('interval 2 days');
    const protocol = { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['rowTracking'] };
    const { version } = await snapshotOf(at);
    await putCommit(at, version + 1, [{ protocol }], { operation: 'UPGRADE PROTOCOL', isBlindAppend: false });
    const before = await pathsOf(at);
    await expect(cleanLog({ at, now })).rejects.toMatchObject({
      code: 'delta.unsupported',
      message: expect.stringContaining('rowTracking'),
    });
    expect(await pathsOf(at)).toEqual(before);
  });

  it.each([
    [6, 7],
    [7, 0],
  ])(
    'deletes what has expired only as a whole below version %d, before which a feature was dropped',
    async (before, deleted) => {
      await appendHistory('interval 2 days', {
        'delta.requireCheckpointProtectionBeforeVersion': String(before),
      });
      const protocol = { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['checkpointProtection'] };
      await putCommit(at, 13, [{ protocol }], { operation: 'DROP FEATURE', isBlindAppend: false });
      const [listed, rows] = [(await pathsOf(at)).length, await readRows(at)];
      expect(await cleanLog({ at, now })).toMatchObject({ outcome: 'done', deleted });
      expect((await pathsOf(at)).length).toBe(listed - deleted);
      expect(await readRows(at)).toEqual(rows);
    },
  );

  it('keeps the newest checkpoint before the cutoff, its commit and all that follow', async () => {
    await appendHistory('interval 2 days');
    await store.put('events/_delta_log/00000000000000000004.crc', Buffer.from('{}'));
    const rows = await readRows(at);
    // The cutoff is midnight less two days: version 7 is the newest at noon before it.
    const planned = await cleanLog({ at, now, dryRun: true });
    expect(planned).toEqual({ outcome: 'done', oldest: 6, deleted: 8 });
    expect((await versions()).length).toBe(18);
    expect(await cleanLog({ at, now })).toEqual(planned);
    expect(await versions()).toEqual([
      '6.checkpoint.parquet',
      ...[6, 7, 8].map((version) => `${version}.json`),
      '9.checkpoint.parquet',
      ...[9, 10, 11, 12].map((version) => `${version}.json`),
      '_last_checkpoint',
    ]);
    expect(await readRows(at)).toEqual(rows);
    expect((await snapshotOf(at, 6)).files.size).toBe(6);
    await expect(openSnapshot(at, { version: 5 })).rejects.toThrow(
      'memory/events version 5 is not in the log',
    );
    expect(await cleanLog({ at, now })).toEqual({ outcome: 'done', oldest: 6, deleted: 0 });
  });

  it.each([
    ['of the last moment before the cutoff', 0, 9],
    ['of a moment after it', 1, 6],
  ])('goes by the midnight before, in UTC: a version %s', async (_what, later, oldest) => {
    await appendHistory('interval 2 days');
    for (const version of [7, 8]) store.date(commitPath('events', version), now - 3 * dayMs);
    store.date(commitPath('events', 9), now - dayMs / 2 - 2 * dayMs + later);
    // A checkpoint is as old as its version, whenever it was written.
    store.date(checkpointPath('events', 9), now);
    for (const hours of [0, 11.9])
      expect(await cleanLog({ at, now: now + (hours * dayMs) / 24, dryRun: true })).toMatchObject({ oldest });
  });

  it('does not begin the log at a checkpoint whose commit is gone, because its age is not known', async () => {
    await appendHistory('interval 2 days');
    await store.delete(commitPath('events', 6));
    expect(await cleanLog({ at, now })).toMatchObject({ outcome: 'done', oldest: 3 });
  });

  it('deletes nothing if nothing has expired, no checkpoint is old enough, or the table forbids it', async () => {
    expect(await cleanLog({ at, now })).toEqual({ outcome: 'no-table' });
    await appendHistory('interval 30 days');
    expect(await cleanLog({ at, now })).toEqual({ outcome: 'done', oldest: undefined, deleted: 0 });
    await store.delete(checkpointPath('events', 3));
    expect((await versions()).length).toBe(16);
    ({ store, at } = placeInDatedStore());
    await appendHistory('interval 2 days', { 'delta.enableExpiredLogCleanup': 'False' });
    expect(await cleanLog({ at, now })).toMatchObject({ outcome: 'disabled', deleted: 0 });
  });

  it('keeps at least a day, even if the table says less', async () => {
    await appendHistory('interval 0 seconds');
    // Version 12 has a checkpoint too, but it was committed only half a day before the midnight from which the day counts.
    await checkpoint({ at });
    await appendFiles(at, 1, { first: 200 });
    store.date(commitPath('events', 13), now + dayMs);
    expect(await cleanLog({ at, now: now + dayMs })).toMatchObject({ oldest: 9 });
    expect((await snapshotOf(at, 9)).version).toBe(9);
  });

  it("keeps entries that are young by the store's clock, even if this clock runs days ahead", async () => {
    await appendHistory('interval 2 days');
    expect(await cleanLog({ at, now: now + 5 * dayMs })).toMatchObject({ oldest: 6 });
    await expect(snapshotOf(at, 6)).resolves.toMatchObject({ version: 6 });
  });

  it("keeps all versions after a young one, even if the store's clock went back and made them look old", async () => {
    await appendHistory('interval 2 days');
    // Version 5 was written before version 6, whose checkpoint would else be the one to keep.
    store.date(commitPath('events', 5), now - dayMs);
    expect(await cleanLog({ at, now })).toMatchObject({ oldest: 3 });
    expect((await snapshotOf(at, 4)).version).toBe(4);
  });

  it('goes from the oldest on, and no further than a file that cannot be deleted', async () => {
    await appendHistory('interval 2 days');
    for (let n = 10; n < 26; n++)
      await store.put(`events/_delta_log/00000000000000000001.${n}.crc`, Buffer.from('{}'));
    const remove = store.delete.bind(store);
    const asked: number[] = [];
    let isHeld = true;
    store.delete = async (path) => {
      asked.push(Number(/_delta_log\/(\d+)/.exec(path)?.[1]));
      if (isHeld && path === commitPath('events', 0))
        throw new TributaryError('storage.refused', `${path} is held.`);
      return remove(path);
    };
    await expect(cleanLog({ at, now })).rejects.toThrow('0.json is held.');
    expect([asked[0], Math.max(...asked)]).toEqual([0, 1]);
    isHeld = false;
    asked.length = 0;
    await cleanLog({ at, now });
    expect(asked).toEqual(asked.toSorted((a, b) => a - b));
    expect([asked[0], asked.at(-1)]).toEqual([0, 5]);
  });

  it('deletes a file of several versions in the place of its last one', async () => {
    await appendHistory('interval 2 days');
    const compacted = `events/_delta_log/${'0'.repeat(20)}.${'0'.repeat(19)}4.compacted.json`;
    await store.put(compacted, Buffer.from('{}'));
    const remove = store.delete.bind(store);
    const asked: string[] = [];
    store.delete = async (path) => {
      asked.push(path);
      return remove(path);
    };
    await cleanLog({ at, now });
    const last = [commitPath('events', 3), compacted, commitPath('events', 5)].map((path) =>
      asked.indexOf(path),
    );
    expect(last).toEqual(last.toSorted((a, b) => a - b));
    expect(last).not.toContain(-1);
  });

  it('does without the files of the table, whose part of a checkpoint may be damaged', async () => {
    await appendHistory('interval 30 days');
    for (const version of [3, 6]) await store.delete(checkpointPath('events', version));
    for (let version = 0; version < 9; version++) await store.delete(commitPath('events', version));
    const bytes = Buffer.from((await store.get(checkpointPath('events', 9)))?.bytes ?? '');
    const stats = bytes.indexOf('numRecords');
    await store.put(checkpointPath('events', 9), bytes.fill(0xff, stats - 20, stats + 20));
    await expect(snapshotOf(at)).rejects.toThrow('version 9, checkpoint');
    expect(await cleanLog({ at, now })).toMatchObject({ outcome: 'done', deleted: 0 });
  });

  it('passes a damaged checkpoint over for an older one, and says what is wrong with it', async () => {
    await appendHistory('interval 2 days');
    const rows = await readRows(at);
    await store.put(checkpointPath('events', 6), Buffer.from('PAR1 no more PAR1'));
    const damage = expect.stringContaining('version 6, checkpoint events/_delta_log/');
    const planned = await cleanLog({ at, now, dryRun: true });
    expect(planned).toEqual({ outcome: 'damage-passed-over', oldest: 3, deleted: 3, damage });
    expect(await cleanLog({ at, now })).toEqual(planned);
    expect((await versions()).length).toBe(14);
    expect(await readRows(at)).toEqual(rows);
    expect((await snapshotOf(at, 7)).files.size).toBe(7);
    // Once a newer one is old enough, the damaged one goes with all that is below.
    for (let version = 7; version <= 11; version++)
      store.date(commitPath('events', version), now - 3 * dayMs);
    expect(await cleanLog({ at, now })).toEqual({ outcome: 'done', oldest: 9, deleted: 8 });
    expect(await readRows(at)).toEqual(rows);
  });

  it('deletes nothing if each checkpoint that could be left is damaged, or was made of a lost commit', async () => {
    await appendHistory('interval 2 days');
    const before = await pathsOf(at);
    await store.put(checkpointPath('events', 6), Buffer.from('PAR1 no more PAR1'));
    const entry = (await store.get(commitPath('events', 3)))?.bytes ?? new Uint8Array();
    await store.put(commitPath('events', 3), Buffer.concat([entry, Buffer.from('\n')]));
    expect(await cleanLog({ at, now })).toEqual({
      outcome: 'damage-passed-over',
      oldest: undefined,
      deleted: 0,
      damage: expect.stringContaining('version 6'),
    });
    expect(await pathsOf(at)).toEqual(before);
  });

  it('fails if a checkpoint cannot be read because storage is away', async () => {
    await appendHistory('interval 2 days');
    const before = await pathsOf(at);
    const read = store.getRange.bind(store);
    store.getRange = async (path, ...range) => {
      if (path === checkpointPath('events', 6)) throw new TributaryError('storage.unavailable', 'away');
      return read(path, ...range);
    };
    await expect(cleanLog({ at, now })).rejects.toMatchObject({ code: 'storage.unavailable' });
    expect(await pathsOf(at)).toEqual(before);
  });

  it('deletes nothing while others move the pointer again and again', async () => {
    await appendHistory('interval 2 days');
    await store.put(lastCheckpointPath('events'), Buffer.from('{"version":3,"size":1}'));
    const before = await pathsOf(at);
    store.putIfMatch = async () => ({ outcome: 'mismatch' });
    await expect(cleanLog({ at, now })).rejects.toMatchObject({
      code: 'delta.contention',
      message: expect.stringContaining('_last_checkpoint'),
    });
    expect(await pathsOf(at)).toEqual(before);
  });

  it('leaves no pointer to a checkpoint that it deletes', async () => {
    await appendHistory('interval 2 days');
    await store.put(lastCheckpointPath('events'), Buffer.from('{"version":3,"size":1}'));
    await cleanLog({ at, now });
    const { bytes } = (await store.get(lastCheckpointPath('events'))) ?? {};
    expect(JSON.parse(Buffer.from(bytes ?? '').toString())).toEqual({
      version: 6,
      // Six files, and the protocol, the metaData and a txn.
      size: 9,
      sizeInBytes: (await store.get(checkpointPath('events', 6)))?.bytes.length,
      numOfAddFiles: 6,
    });
  });
});

describe('a reader beside the cleaning', () => {
  it('notices after a long sleep that the next version was cleaned away', async () => {
    await appendHistory('interval 2 days');
    const sleeper = followSnapshot(at);
    sleeper.standAt(await snapshotOf(at, 2));
    await cleanLog({ at, now });
    const awake = await sleeper.advance();
    expect(awake).toMatchObject({ step: 'reopened', because: 'cleaned', state: { version: 12 } });
    expect(sleeper.state?.files.size).toBe(12);
  });

  it('opens again when the log it was reading is cleaned away', async () => {
    await appendHistory('interval 2 days');
    const rows = await readRows(at);
    // The pointer is read as it was long ago; everything up to version 8 goes before the next request.
    class Slow extends DatedStore {
      first = true;
      override async get(path: string) {
        const found = await super.get(path);
        if (!this.first || path !== lastCheckpointPath('events')) return found;
        this.first = false;
        for (const version of [4, 5, 6, 7, 8]) await this.delete(commitPath('events', version));
        return found && { ...found, bytes: Buffer.from('{"version":3,"size":1}') };
      }
    }
    const slow = new Slow();
    for await (const { path } of store.list(''))
      await slow.put(path, (await store.get(path))?.bytes ?? new Uint8Array());
    expect(await readRows({ store: slow, table: 'events' })).toEqual(rows);
  });
});
