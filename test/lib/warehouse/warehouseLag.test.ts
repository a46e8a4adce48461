import { beforeEach, describe, expect, it } from 'vitest';
import { putCommit } from '../../../src/lib/delta/commit';
import { commitPath } from '../../../src/lib/delta/log';
import { openState } from '../../../src/lib/delta/openTable';
import { positionOfState, type TablePosition } from '../../../src/lib/delta/position';
import { replacingPrefix } from '../../../src/lib/warehouse/shadow';
import { lagOf } from '../../../src/lib/warehouse/warehouseLag';
import { clicks, clicksTable, type DeltaTable } from './deltaTable';

const name = 'clickstream.clicks';
const current = { versionsBehind: 0, secondsBehind: 0, needsRebuild: false };

/** A table of versions 0 to 3. */
let delta: DeltaTable;
beforeEach(async () => {
  delta = await clicksTable();
  for (let version = 1; version <= 3; version++) await delta.commit(clicks(1));
});

async function positionAt(version: number): Promise<TablePosition> {
  const state = await openState(delta.at, { version });
  if (!state) throw new Error('no table');
  return positionOfState(state);
}

const lagAt = async (position?: TablePosition) => lagOf(name, await openState(delta.at), position);

/** Says of a version that it was committed at another time; undefined if it does not say. */
async function commitAt(version: number, timestamp: number | undefined): Promise<void> {
  const { store, table } = delta.at;
  const text = Buffer.from((await store.get(commitPath(table, version)))?.bytes ?? []).toString();
  const changed = text.replace(
    /"timestamp":\d+/,
    timestamp === undefined ? '"unknown":0' : `"timestamp":${timestamp}`,
  );
  expect(changed).not.toBe(text);
  await store.put(commitPath(table, version), Buffer.from(changed));
}

describe('how far a table of the warehouse is behind', () => {
  it('is nothing while there is no Delta table', async () => {
    expect(await lagOf(name, undefined)).toEqual({
      table: name,
      deltaVersion: -1,
      loadedVersion: -1,
      ...current,
    });
  });

  it('is nothing at the newest version', async () => {
    expect(await lagAt(await positionAt(3))).toEqual({
      table: name,
      deltaVersion: 3,
      loadedVersion: 3,
      ...current,
    });
  });

  it('is told in versions, and in seconds since the oldest one that is not loaded', async () => {
    const position = await positionAt(1);
    const state = await openState(delta.at);
    const minuteAgo = Date.now() - 60_000;
    await commitAt(2, minuteAgo);
    const lag = await lagOf(name, state, position);
    expect(lag).toMatchObject({ deltaVersion: 3, loadedVersion: 1, versionsBehind: 2, needsRebuild: false });
    expect(lag.secondsBehind).toBeGreaterThanOrEqual(60);
    expect(lag.secondsBehind).toBeLessThanOrEqual((Date.now() - minuteAgo) / 1000);
  });

  it('is all versions if nothing was loaded yet, which asks for no rebuild even of a log that was cleaned', async () => {
    expect(await lagAt()).toMatchObject({ loadedVersion: -1, versionsBehind: 4, needsRebuild: false });
    await delta.checkpointAndClean();
    expect(await lagAt()).toEqual({
      table: name,
      deltaVersion: 3,
      loadedVersion: -1,
      versionsBehind: 4,
      secondsBehind: null,
      needsRebuild: false,
    });
  });

  it('is no time below zero where a clock ran ahead, and no known time where a commit does not say its own', async () => {
    const position = await positionAt(2);
    await commitAt(3, Date.now() + 60_000);
    expect((await lagAt(position)).secondsBehind).toBe(0);
    await commitAt(3, undefined);
    expect((await lagAt(position)).secondsBehind).toBeNull();
  });
});

describe('a table of the warehouse needs a rebuild', () => {
  it('if it was loaded from another table, of which all versions are missing', async () => {
    const position = { ...(await positionAt(2)), tableId: 'another' };
    expect(await lagAt(position)).toMatchObject({
      versionsBehind: 4,
      needsRebuild: true,
      reason: 'the Delta table was made again and is another one',
    });
    // A swap of such a table is ended by the loader.
    const shadow = { schema: 'clickstream', name: 'shadow', columns: [] };
    for (const stage of ['held', 'renaming'] as const) {
      const tableId = `${replacingPrefix(stage, shadow)}another`;
      expect(await lagAt({ ...position, tableId })).toMatchObject({ needsRebuild: false });
    }
  });

  it('if it is ahead of a log that went back in time', async () => {
    const position = await positionAt(3);
    await delta.at.store.delete(commitPath(delta.at.table, 3));
    expect(await lagAt(position)).toMatchObject({
      deltaVersion: 2,
      loadedVersion: 3,
      versionsBehind: 0,
      secondsBehind: 0,
      needsRebuild: true,
      reason: expect.stringContaining('version 3'),
    });
  });

  it('if the next version takes rows away, but not if a later one does', async () => {
    const remove = { path: 'a.parquet', dataChange: true, deletionTimestamp: 1 };
    await putCommit(delta.at, 4, [{ remove }], { operation: 'DELETE', isBlindAppend: false });
    expect(await lagAt(await positionAt(2))).toMatchObject({ versionsBehind: 2, needsRebuild: false });
    expect(await lagAt(await positionAt(3))).toMatchObject({
      versionsBehind: 1,
      needsRebuild: true,
      reason: 'version 4 takes rows away',
    });
  });
});
