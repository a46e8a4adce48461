import { beforeEach, describe, expect, it } from 'vitest';
import {
  checkpointPath,
  commitPath,
  lastCheckpointPath,
  type TableLocation,
} from '../../../src/lib/delta/log';
import { checkpoint } from '../../../src/lib/maintenance/checkpoint';
import { cleanLog } from '../../../src/lib/maintenance/cleanLog';
import { inspectCheckpoint } from '../../../src/lib/maintenance/lastCheckpoint';
import { repairLog } from '../../../src/lib/maintenance/repairLog';
import { commitFarAbove } from './backInTime';
import { appendFiles, newLocation, pathsOf, readRows, snapshotOf, stateOf } from './table';

let at: TableLocation;
beforeEach(() => {
  at = newLocation();
});

const bytesOf = async (path: string) => (await at.store.get(path))?.bytes ?? Buffer.alloc(0);
const ids = async (version?: number) => (await readRows(at, version)).map(([id]) => id);

/** Versions 0 to 6, checkpoints of 3 and 6; then storage loses 5 and 6, but keeps the checkpoint of 6. */
async function loseCommits({ pointer }: { pointer: 3 | 6 }): Promise<void> {
  await appendFiles(at, 3, { rows: 1 });
  await checkpoint({ at });
  const older = await bytesOf(lastCheckpointPath('events'));
  await appendFiles(at, 3, { rows: 1, first: 3 });
  await checkpoint({ at });
  for (const version of [5, 6]) await at.store.delete(commitPath('events', version));
  if (pointer === 3) await at.store.put(lastCheckpointPath('events'), older);
}

/** What `work` comes to while the checkpoint of version 6, and the pointer, are not there. */
async function withoutLeftover<T>(work: () => Promise<T>): Promise<T> {
  const kept = [checkpointPath('events', 6), lastCheckpointPath('events')];
  const bytes = await Promise.all(kept.map(bytesOf));
  for (const path of kept) await at.store.delete(path);
  const result = await work();
  for (const [index, path] of kept.entries()) await at.store.put(path, bytes[index] ?? Buffer.alloc(0));
  return result;
}

/** As a writer does that was running meanwhile, and so did not open the table: it knows of no checkpoint. */
const growWithoutLooking = (commits: number): Promise<unknown> =>
  withoutLeftover(() => appendFiles(at, commits, { rows: 1, first: 100 }));

describe('a checkpoint whose commit storage has lost', () => {
  it.each([3, 6] as const)(
    'is reported as a hole until the log is repaired, also while the pointer names version %d',
    async (pointer) => {
      await loseCommits({ pointer });
      await expect(stateOf(at)).rejects.toMatchObject({
        code: 'delta.hole',
        message: expect.stringContaining('events version 5 is missing from the log, and a checkpoint'),
      });
      expect(await repairLog({ at })).toMatchObject({ outcome: 'repaired', version: 4, files: 1 });
      expect(await pathsOf(at, '_stray/')).toEqual(['events/_stray/00000000000000000006.checkpoint.parquet']);
      expect(await ids()).toEqual([0, 1, 2, 3]);
      expect(JSON.parse(Buffer.from(await bytesOf(lastCheckpointPath('events'))).toString())).toMatchObject({
        version: 3,
      });
    },
  );

  it.each([3, 6] as const)(
    'is passed over once the log has another commit of its version (pointer %d)',
    async (pointer) => {
      await loseCommits({ pointer });
      await growWithoutLooking(3);
      expect(await ids()).toEqual([0, 1, 2, 3, 100, 101, 102]);
      expect(await ids(6)).toEqual([0, 1, 2, 3, 100, 101]);
      expect([...(await snapshotOf(at)).txns.values()]).toMatchObject([{ version: 102 }]);
      await expect(
        inspectCheckpoint(at, { version: 6, paths: [checkpointPath('events', 6)] }),
      ).rejects.toMatchObject({
        code: 'delta.invalid',
        message: `memory/events version 6: the checkpoint ${checkpointPath('events', 6)} was made of a commit that storage has lost.`,
      });
      expect(await repairLog({ at })).toEqual({ outcome: 'whole', version: 7 });
    },
  );

  it('gives way to one of the commit that has its version now', async () => {
    await loseCommits({ pointer: 3 });
    await growWithoutLooking(2);
    expect(await checkpoint({ at })).toEqual({ outcome: 'written', version: 6, files: 6 });
    for (const version of [0, 1, 2, 3, 4, 5]) await at.store.delete(commitPath('events', version));
    await at.store.delete(checkpointPath('events', 3));
    expect(await ids()).toEqual([0, 1, 2, 3, 100, 101]);
  });
});

describe('a checkpoint whose version has a stray commit', () => {
  it('hides no hole below it', async () => {
    await loseCommits({ pointer: 3 });
    await commitFarAbove(await withoutLeftover(() => stateOf(at)), 6);
    await expect(stateOf(at)).rejects.toMatchObject({
      code: 'delta.hole',
      message: expect.stringContaining('version 5 is missing from the log, and version 6 is above it'),
    });
    expect(await repairLog({ at })).toMatchObject({ outcome: 'repaired', version: 4, moved: [6] });
    expect(await ids()).toEqual([0, 1, 2, 3]);
  });

  it('leaves nothing of a log that has no beginning', async () => {
    await loseCommits({ pointer: 6 });
    await commitFarAbove(await withoutLeftover(() => stateOf(at)), 6);
    for (const version of [0, 1, 2, 3, 4]) await at.store.delete(commitPath('events', version));
    await at.store.delete(checkpointPath('events', 3));
    await expect(stateOf(at)).rejects.toMatchObject({ code: 'delta.hole' });
    expect(await repairLog({ at })).toMatchObject({ outcome: 'repaired', version: -1, moved: [6] });
    expect(await pathsOf(at, '_delta_log/')).toEqual([]);
  });
});

describe('a checkpoint without its own entry', () => {
  it('is the beginning of a log that was cleaned up to it', async () => {
    await appendFiles(at, 6, { rows: 1 });
    await checkpoint({ at });
    await appendFiles(at, 2, { rows: 1, first: 10 });
    for (let version = 0; version <= 6; version++) await at.store.delete(commitPath('events', version));
    expect(await ids()).toEqual([0, 1, 2, 3, 4, 5, 10, 11]);
    expect(await repairLog({ at })).toEqual({ outcome: 'whole', version: 8 });
    expect(await cleanLog({ at })).toMatchObject({ outcome: 'done', deleted: 0 });
  });
});

it('a checkpoint whose own entry is damaged is the beginning of the log all the same', async () => {
  await appendFiles(at, 3, { rows: 1 });
  await checkpoint({ at });
  await at.store.put(commitPath('events', 3), Buffer.from('no JSON'));
  for (const pointer of [true, false]) {
    if (!pointer) await at.store.delete(lastCheckpointPath('events'));
    expect(await ids()).toEqual([0, 1, 2]);
  }
  expect(await repairLog({ at })).toEqual({ outcome: 'whole', version: 3 });
  expect((await appendFiles(at, 1, { rows: 1, first: 3 })).version).toBe(4);
  expect(await ids()).toEqual([0, 1, 2, 3]);
});
