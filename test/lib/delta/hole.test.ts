import { beforeEach, describe, expect, it } from 'vitest';
import { followState } from '../../../src/lib/delta/follow';
import { describeVersions, versionsAbove } from '../../../src/lib/delta/hole';
import {
  checkpointPath,
  commitPath,
  lastCheckpointPath,
  logPrefix,
  type TableLocation,
} from '../../../src/lib/delta/log';
import { openSnapshot, openState } from '../../../src/lib/delta/openTable';
import { TableAppender } from '../../../src/lib/delta/tableAppender';
import { checkpoint } from '../../../src/lib/maintenance/checkpoint';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { commitFarAbove, goBackTo, strand } from '../maintenance/backInTime';
import { appendFiles, fields, newLocation, readRows, stateOf } from '../maintenance/table';

let at: TableLocation;
beforeEach(() => {
  at = newLocation();
});

/** The message of the error that opening the table throws. */
async function refusalOf(): Promise<string> {
  const appender = new TableAppender({ at, fields });
  const openings = [
    openSnapshot(at),
    openState(at),
    appender.refresh(),
    appender.appendRows([[1], ['a']], 1),
    followState(at).toHead(),
  ];
  const refusals = await Promise.all(
    openings.map((opening) =>
      opening.then(
        () => 'opened',
        (error) => `${error.code}: ${error.message}`,
      ),
    ),
  );
  const [first = ''] = refusals;
  expect(refusals).toEqual(refusals.map(() => first));
  return first;
}

const remedy =
  'Storage went back in time during a write. Run "npm run table -- repair events", which moves the log entries that no longer fit out of the log.';

describe('the versions above a version', () => {
  it('are those of entries and checkpoints in its block of a thousand versions and in the next block', async () => {
    const entries = [0, 1, 2, 3, 5, 999, 1000, 1999, 2000];
    for (const version of entries) await at.store.put(commitPath('events', version), Buffer.from('{}'));
    await at.store.put(checkpointPath('events', 6), Buffer.from('x'));
    await at.store.put(`${logPrefix('events')}00000000000000000007.crc`, Buffer.from('x'));
    await at.store.put(`${logPrefix('events')}_sidecars`, Buffer.from('x'));
    expect(await versionsAbove(at, 2)).toEqual([3, 5, 6, 999, 1000, 1999]);
    expect(await versionsAbove(at, 999)).toEqual([1000, 1999, 2000]);
    expect(await versionsAbove(at, 2000)).toEqual([]);
  });

  it('are named by the first and the last of each stretch', () => {
    const named = [[7], [7, 8], [5, 6, 7, 9, 11, 12]].map(describeVersions);
    expect(named).toEqual(['version 7', 'versions 7 to 8', 'versions 5 to 7, 9, 11 to 12']);
  });
});

describe('a log with entries above a hole', () => {
  it.each([
    ['narrow', 12, 9],
    ['wider than what is read ahead', 30, 9],
  ])('is refused when the hole is %s', async (_how, top, end) => {
    await appendFiles(at, top);
    const lost = await goBackTo(at, end);
    await strand(at, lost, top - 1, top);
    expect(await refusalOf()).toBe(
      `delta.hole: memory/events version ${end + 1} is missing from the log, and versions ${top - 1} to ${top} are above it. ${remedy}`,
    );
  });

  it('is refused whether or not the pointer leads to the checkpoint below', async () => {
    await appendFiles(at, 4);
    await checkpoint({ at });
    await appendFiles(at, 20, { first: 40 });
    await strand(at, await goBackTo(at, 6), 24);
    await expect(openState(at)).rejects.toMatchObject({ table: 'events' });
    const expected = `delta.hole: memory/events version 7 is missing from the log, and version 24 is above it. ${remedy}`;
    expect(await refusalOf()).toBe(expected);
    await at.store.delete(lastCheckpointPath('events'));
    expect(await refusalOf()).toBe(expected);
  });

  it('opens, and takes commits, while they are further above than opening looks', async () => {
    const state = await appendFiles(at, 3);
    await checkpoint({ at });
    await commitFarAbove(state, 2500);
    expect(await stateOf(at)).toMatchObject({ version: 3 });
    expect(await appendFiles(at, 2, { first: 30 })).toMatchObject({ version: 5 });
  });

  it('has a part of a checkpoint above its end', async () => {
    await appendFiles(at, 3);
    const part = `${logPrefix('events')}00000000000000000005.checkpoint.0000000001.0000000002.parquet`;
    await at.store.put(part, Buffer.from('PAR1'));
    expect(await refusalOf()).toBe(
      `delta.hole: memory/events version 4 is missing from the log, and a checkpoint, or a part of one, is above it. ${remedy}`,
    );
  });
});

describe('a log that has grown up to a stray entry', () => {
  /** 0 to 12, of which 12 was made on an 11 that is gone; on top of it 13, made on 12. */
  async function growUpToStray(checkpointAt?: number) {
    await appendFiles(at, 13);
    const lost = await goBackTo(at, 8);
    for (let version = 9; version <= 11; version++) {
      await appendFiles(at, 1, { rows: 1, first: 1000 + version });
      if (version === checkpointAt) await checkpoint({ at });
    }
    await strand(at, lost, 12, 13);
  }

  const expected = `delta.hole: memory/events version 12 was built on a version 11 that is no longer in the log. ${remedy}`;

  it('is refused', async () => {
    await growUpToStray();
    expect(await refusalOf()).toBe(expected);
  });

  it.each([10, 11])('is refused when it is opened from a checkpoint of version %d', async (version) => {
    await growUpToStray(version);
    expect(await refusalOf()).toBe(expected);
    await at.store.delete(lastCheckpointPath('events'));
    expect(await refusalOf()).toBe(expected);
  });

  it('is refused to the writer whose commit meets the stray entry', async () => {
    const appender = new TableAppender({ at, fields });
    for (const id of [1, 2, 3]) await appender.appendRows([[id], ['a']], 1);
    await strand(at, await goBackTo(at, 1), 3);
    await appender.appendRows([[4], ['b']], 1).catch(() => undefined);
    await expect(appender.appendRows([[5], ['c']], 1)).rejects.toMatchObject({ code: 'delta.hole' });
  });

  it('shows the versions below when they are asked for', async () => {
    await growUpToStray();
    expect(await readRows(at, 11)).toHaveLength(83);
  });
});

describe('a log without its beginning', () => {
  it('is refused if it never had a checkpoint', async () => {
    await appendFiles(at, 5);
    await strand(at, await goBackTo(at, -1), 4, 5);
    expect(await refusalOf()).toBe(
      `delta.hole: memory/events version 0 is missing from the log, and versions 4 to 5 are above it. ${remedy}`,
    );
  });

  it.each([
    ['the pointer', lastCheckpointPath('events')],
    ['a part', `${logPrefix('events')}00000000000000000003.checkpoint.0000000001.0000000002.parquet`],
    ['one of another kind', `${logPrefix('events')}00000000000000000003.checkpoint.3f0c.parquet`],
  ])('is no hole but damage where of a checkpoint %s is left', async (_what, path) => {
    await appendFiles(at, 5);
    await strand(at, await goBackTo(at, -1), 4, 5);
    await at.store.put(path, Buffer.from('{"version":3,"size":1}'));
    expect(await refusalOf()).toBe('delta.invalid: memory/events version 0 is not in the log (any more).');
  });
});

describe('a log in which nothing is wrong', () => {
  it('is never taken for one with a hole while it grows', async () => {
    /** A store whose answers come in any order. */
    class Jittery extends MemoryStore {
      override async get(path: string) {
        await turns();
        const found = await super.get(path);
        await turns();
        return found;
      }
    }
    const turns = async () => {
      for (let left = Math.floor(Math.random() * 4); left > 0; left--) await new Promise(setImmediate);
    };
    at = { store: new Jittery(), table: 'events' };
    const writers = Array.from({ length: 3 }, () => new TableAppender({ at, fields }));
    const isWriting = { yet: true };
    const writing = Promise.all(
      writers.map(async (writer, index) => {
        for (let n = 0; n < 60; n++) await writer.appendRows([[index * 1000 + n], [null]], 1);
      }),
    ).finally(() => {
      isWriting.yet = false;
    });
    let opened = 0;
    let checkpoints = 0;
    const opening = async () => {
      for (let last = -1; isWriting.yet; opened++) {
        const version = (await openState(at))?.version ?? -1;
        expect(version).toBeGreaterThanOrEqual(last);
        last = version;
      }
    };
    const maintaining = async () => {
      for (; isWriting.yet; checkpoints++) await checkpoint({ at });
    };
    await Promise.all([writing, opening(), opening(), maintaining()]);
    expect(Math.min(opened, checkpoints)).toBeGreaterThan(5);
    expect(await readRows(at)).toHaveLength(180);
  });

  it.each([
    ['few', 7],
    ['more than are read ahead', 20],
  ])('is opened by a pointer to what cleaning has left behind: %s versions on', async (_what, newer) => {
    await appendFiles(at, 4);
    await checkpoint({ at });
    const pointer = (await at.store.get(lastCheckpointPath('events')))?.bytes ?? new Uint8Array();
    await appendFiles(at, newer - 4, { first: 40 });
    await checkpoint({ at });
    await appendFiles(at, 2, { first: newer * 10 });
    for (let version = 5; version < newer; version++) await at.store.delete(commitPath('events', version));
    await at.store.put(lastCheckpointPath('events'), pointer);
    expect(await at.store.get(checkpointPath('events', 4))).toBeDefined();
    expect(await stateOf(at)).toMatchObject({ version: newer + 2 });
    expect(await readRows(at)).toHaveLength((newer + 2) * 10);
    expect(await readRows(at, newer + 1)).toHaveLength((newer + 1) * 10);
    const appender = new TableAppender({ at, fields });
    expect(await appender.refresh()).toMatchObject({ version: newer + 2 });
  });
});
