import { afterEach, describe, expect, it, vi } from 'vitest';
import { markOf, serializeCommit } from '../../../src/lib/delta/actions';
import { checkpointPath, commitPath, lastCheckpointPath } from '../../../src/lib/delta/log';
import { encodeCheckpointRows } from '../../../src/lib/delta/parquet/encodeCheckpoint';
import { writeDataFile } from '../../../src/lib/delta/writeDataFile';
import { dayMs } from '../../../src/lib/duration';
import { checkpoint } from '../../../src/lib/maintenance/checkpoint';
import { cleanLog } from '../../../src/lib/maintenance/cleanLog';
import { repairLog } from '../../../src/lib/maintenance/repairLog';
import { vacuum } from '../../../src/lib/maintenance/vacuum';
import { DatedStore } from './datedStore';
import { appendFiles, fields, pathsOf, snapshotOf, stateOf } from './table';

afterEach(() => {
  vi.useRealTimers();
});

const now = Date.now();
const cleanedTo = 5000;

/**
 * A table whose log was cleaned up to version 5000, and that was then put back in part: its pointer names the checkpoint of version
 * 3, which is there again with its entry. Nothing follows on that within the versions that opening a table looks at.
 * @param committed how long ago version 3 was committed, in milliseconds
 * @param stored how long ago its entry was stored, in milliseconds
 * @param hasOlder whether there is a checkpoint of version 1, too
 */
async function tableWithStaleHint({ committed = 0, stored = 0, hasOlder = false } = {}) {
  const store = new DatedStore();
  const at = { store, table: 'events' };
  vi.useFakeTimers({ toFake: ['Date'], now: now - committed });
  await appendFiles(at, 1);
  if (hasOlder) await checkpoint({ at });
  await appendFiles(at, 2, { first: 10 });
  vi.useRealTimers();
  await checkpoint({ at });
  const hint = (await store.get(lastCheckpointPath(at.table)))?.bytes ?? Buffer.alloc(0);
  const { protocol, metaData, files } = await snapshotOf(at);
  const add = await writeDataFile({ at, fields, columns: [[100], ['new']] });
  const entry = serializeCommit([{ commitInfo: { timestamp: now } }, { add }]);
  const adds = [...files.values(), add].map((each) => ({ add: each }));
  const { bytes } = encodeCheckpointRows([{ protocol }, { metaData }, ...adds], markOf(entry));
  await store.put(commitPath(at.table, cleanedTo), entry);
  await store.put(checkpointPath(at.table, cleanedTo), bytes);
  await store.put(lastCheckpointPath(at.table), Buffer.from(JSON.stringify({ version: cleanedTo })));
  await appendFiles(at, 2, { first: 200 });
  for (const version of [0, 1, 2]) await store.delete(commitPath(at.table, version));
  await store.put(lastCheckpointPath(at.table), hint);
  for (const path of await pathsOf(at)) store.date(path, now - 60 * dayMs);
  store.date(commitPath(at.table, cleanedTo + 2), now);
  store.date(commitPath(at.table, 3), now - stored);
  return at;
}

describe('a table that was put back in part', () => {
  it.each([
    ['committed', { committed: 2 * dayMs, stored: 0 }],
    ['stored', { committed: 0, stored: 2 * dayMs }],
  ])('is opened at its newest version if the one it seems to end at was %s long ago', async (_, age) => {
    const at = await tableWithStaleHint(age);
    expect((await stateOf(at)).version).toBe(cleanedTo + 2);
    expect((await appendFiles(at, 1, { first: 300 })).version).toBe(cleanedTo + 3);
    expect(await at.store.get(commitPath(at.table, 4))).toBeUndefined();
  });

  it('seems to end there if that is young, as its next versions cannot have been cleaned away', async () => {
    expect((await stateOf(await tableWithStaleHint())).version).toBe(3);
  });
});

it('vacuum deletes no live file if the pointer to the checkpoint is older than what cleaning has left', async () => {
  const at = await tableWithStaleHint();
  const before = await pathsOf(at);
  expect(await vacuum({ at, now })).toMatchObject({ outcome: 'done', deleted: [] });
  expect(await pathsOf(at)).toEqual(before);
});

it('cleaning moves such a pointer forward, after which the table is opened at its newest version', async () => {
  const at = await tableWithStaleHint({ committed: 0, stored: 60 * dayMs });
  expect(await cleanLog({ at, now })).toEqual({ outcome: 'done', oldest: cleanedTo, deleted: 2 });
  const { version, files } = await snapshotOf(at);
  expect([version, files.size]).toEqual([cleanedTo + 2, 6]);
});

it('cleaning heeds the properties of the newest version, although the pointer leads to an older, young one', async () => {
  const at = await tableWithStaleHint();
  const { metaData } = await stateOf(at);
  const configuration = { 'delta.enableExpiredLogCleanup': 'false' };
  const turnedOff = serializeCommit([{ metaData: { ...metaData, configuration } }]);
  await at.store.put(commitPath(at.table, cleanedTo + 3), turnedOff);
  expect((await stateOf(at)).version).toBe(3);
  expect(await cleanLog({ at, now })).toEqual({ outcome: 'disabled', oldest: undefined, deleted: 0 });
});

it('a repair moves such a pointer forward, too, also where there are older checkpoints than the one it leads to', async () => {
  const at = await tableWithStaleHint({ hasOlder: true });
  expect((await stateOf(at)).version).toBe(3);
  expect(await repairLog({ at })).toMatchObject({ outcome: 'repaired', version: cleanedTo + 2, moved: [] });
  expect((await stateOf(at)).version).toBe(cleanedTo + 2);
});
