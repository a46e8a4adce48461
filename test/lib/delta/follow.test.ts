import { beforeEach, describe, expect, it } from 'vitest';
import { append, createTable, putCommit } from '../../../src/lib/delta/commit';
import { followSnapshot, followState } from '../../../src/lib/delta/follow';
import { checkpointPath, commitPath, lastCheckpointPath } from '../../../src/lib/delta/log';
import { openSnapshot, openState } from '../../../src/lib/delta/openTable';
import { encodeCheckpointRows } from '../../../src/lib/delta/parquet/encodeCheckpoint';
import { beginning, positionOfState } from '../../../src/lib/delta/position';
import { field } from '../../../src/lib/delta/schema';
import { checkpoint } from '../../../src/lib/maintenance/checkpoint';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { countCalls } from '../../kit/countingStore';

const fields = [field('id', 'long', false)];
let { store, counts } = countCalls(new MemoryStore());
let at = { store, table: 'events' };

beforeEach(() => {
  ({ store, counts } = countCalls(new MemoryStore()));
  at = { store, table: 'events' };
});

async function stateOf(version?: number) {
  const state = await openState(at, version === undefined ? {} : { version });
  if (!state) throw new Error('no table');
  return state;
}

async function commitMore(count: number) {
  if (!(await openState(at))) await createTable(at, fields);
  let state = await stateOf();
  for (let n = 0; n < count; n++) {
    const path = `${state.version + 1}-${Math.random()}.parquet`;
    const add = { path, partitionValues: {}, size: 1, modificationTime: 1, dataChange: true };
    ({ state } = await append({
      state,
      fields,
      adds: [add],
      txns: [{ appId: 'p0', version: state.version }],
    }));
  }
}

async function deleteAll() {
  for await (const { path } of store.list('')) await store.delete(path);
}

/** Storage as it was at a version: later log entries are gone. */
async function goBackTo(version: number) {
  const { version: newest } = await stateOf();
  for (let each = newest; each > version; each--) await store.delete(commitPath('events', each));
}

const stepOf = async (follower: ReturnType<typeof followState>) => {
  const found = await follower.advance();
  return [
    found.step,
    ...('because' in found ? [found.because] : []),
    ...('commits' in found ? [found.commits.map(({ version }) => version)] : []),
    follower.state?.version,
  ];
};

/** A follower that has read the newest version. */
async function following() {
  const follower = followState(at);
  await follower.toHead();
  return follower;
}

describe('a follower whose entry is there', () => {
  it('sees no table, then the table, then that nothing is new, with two requests', async () => {
    const follower = followState(at);
    expect(await stepOf(follower)).toEqual(['no-table', undefined]);
    await commitMore(40);
    expect(await stepOf(follower)).toEqual(['reopened', undefined, 40]);
    await stepOf(follower);
    const before = follower.state;
    counts.clear();
    expect(await stepOf(follower)).toEqual(['nothing-new', 40]);
    expect(follower.state).toBe(before);
    expect(Object.fromEntries(counts)).toEqual({ get: 2 });
  });

  it('gets the commits, and the state that opening the table gives', async () => {
    await commitMore(3);
    const follower = followSnapshot(at);
    await follower.toHead();
    const before = follower.state;
    await commitMore(20);
    expect(await follower.advance()).toMatchObject({ step: 'commits', atHead: true });
    const opened = await openSnapshot(at);
    expect({ ...follower.state, reachedFrom: undefined }).toEqual({ ...opened, reachedFrom: undefined });
    expect(before?.files.size).toBe(3);
  });

  it('notices that the next version was cleaned away', async () => {
    await commitMore(5);
    const follower = followState(at);
    follower.standAt(await stateOf(2));
    await checkpoint({ at });
    for (const version of [0, 1, 3, 4, 5]) await store.delete(commitPath('events', version));
    expect(await stepOf(follower)).toEqual(['reopened', 'cleaned', 5]);
  });

  it('reopens the table if it is too far behind, unless it needs each commit', async () => {
    await commitMore(1);
    const [state, each] = [followState(at, { mostBehind: 600 }), followState(at, { mostBehind: Infinity })];
    await Promise.all([state.toHead(), each.toHead()]);
    await commitMore(700);
    await checkpoint({ at });
    expect(await stepOf(state)).toEqual(['reopened', 'too-far', 701]);
    const found = await each.advance();
    expect(found).toMatchObject({ step: 'commits', atHead: false, state: { version: 513 } });
    expect(found.step === 'commits' && found.commits.length).toBe(512);
    expect((await each.toHead())?.version).toBe(701);
    const first = followState(at, { mostBehind: Infinity });
    first.seek(beginning);
    expect(await first.advance()).toMatchObject({ step: 'commits', atHead: false, state: { version: 511 } });
    expect((await first.toHead())?.version).toBe(701);
  });

  it('is too far behind from one version more than it may be', async () => {
    await commitMore(1);
    const [near, far] = [followState(at, { mostBehind: 600 }), followState(at, { mostBehind: 600 })];
    await Promise.all([near.toHead(), far.toHead()]);
    await commitMore(600);
    await checkpoint({ at });
    expect(await near.advance()).toMatchObject({ step: 'commits', state: { version: 513 } });
    await commitMore(1);
    await checkpoint({ at });
    expect(await stepOf(far)).toEqual(['reopened', 'too-far', 602]);
  });

  it('stays where it was put while it was looking', async () => {
    await commitMore(1);
    const follower = await following();
    await commitMore(2);
    const newest = await stateOf();
    const looking = follower.advance();
    follower.standAt(newest);
    expect((await looking).step).toBe('commits');
    expect(follower.state).toBe(newest);
  });

  it('gets past an unreadable commit if there is a checkpoint after it', async () => {
    await commitMore(2);
    const follower = await following();
    await commitMore(3);
    await checkpoint({ at });
    await store.put(commitPath('events', 4), Buffer.from('{"add":'));
    expect(await stepOf(follower)).toEqual(['reopened', 'damaged', 5]);
  });

  it('keeps its position while the log is damaged', async () => {
    await commitMore(2);
    const follower = await following();
    await store.put(commitPath('events', 3), Buffer.from('{"add":'));
    await expect(follower.advance()).rejects.toMatchObject({ code: 'delta.invalid' });
    expect(follower.state?.version).toBe(2);
    await store.delete(commitPath('events', 3));
    expect(await stepOf(follower)).toEqual(['nothing-new', 2]);
  });
});

describe('a pointer to a checkpoint that is not there', () => {
  const point = (version: number) =>
    store.put(lastCheckpointPath('events'), Buffer.from(JSON.stringify({ version, size: 1 })));

  it('does not make the end of the log look like a log that was cleaned', async () => {
    await commitMore(5);
    const head = positionOfState(await stateOf());
    await point(9);
    const follower = followState(at);
    follower.seek(head);
    expect(await stepOf(follower)).toEqual(['nothing-new', 5]);
    expect(await stepOf(await following())).toEqual(['nothing-new', 5]);
    follower.seek(positionOfState(await stateOf(3)));
    expect(await stepOf(follower)).toEqual(['commits', [4, 5], 5]);
  });

  it('does not hide an entry above a hole', async () => {
    await commitMore(6);
    const follower = await following();
    await point(10);
    await store.delete(commitPath('events', 5));
    await expect(follower.advance()).rejects.toMatchObject({ code: 'delta.hole' });
    await expect(follower.advance()).rejects.toMatchObject({ code: 'delta.hole' });
  });
});

describe('a follower whose entry is another one, or gone', () => {
  it.each([2, 5, 9])('finds a table that was made again with %d versions', async (commits) => {
    await commitMore(5);
    const follower = await following();
    await deleteAll();
    await commitMore(commits);
    expect(await stepOf(follower)).toEqual(['reopened', 'made-again', commits]);
  });

  it.each([
    ['not grown', 0],
    ['grown less', 1],
    ['grown as much', 2],
    ['grown more', 4],
  ])('notices that storage went back in time, with a log that has %s since', async (_what, grown) => {
    await commitMore(5);
    const follower = await following();
    await goBackTo(3);
    await commitMore(grown);
    expect(await stepOf(follower)).toEqual(['reopened', 'rolled-back', 3 + grown]);
  });

  it('tells commits apart that have no commitInfo', async () => {
    await commitMore(1);
    const silent = (path: string) =>
      Buffer.from(`{"add":{"path":"${path}","partitionValues":{},"size":1,"dataChange":true}}\n`);
    await store.put(commitPath('events', 2), silent('a.parquet'));
    const follower = await following();
    await store.put(commitPath('events', 2), silent('b.parquet'));
    expect(await stepOf(follower)).toEqual(['reopened', 'rolled-back', 2]);
  });

  it('knows an entry again that was restored, with another etag and time', async () => {
    await commitMore(2);
    const follower = await following();
    const found = await store.get(commitPath('events', 2));
    await store.put(commitPath('events', 2), found?.bytes ?? new Uint8Array());
    expect(await stepOf(follower)).toEqual(['nothing-new', 2]);
  });

  it('notices that its entry was cleaned away', async () => {
    await commitMore(5);
    const follower = await following();
    await commitMore(5);
    await checkpoint({ at });
    for (let version = 0; version < 9; version++) await store.delete(commitPath('events', version));
    expect(await stepOf(follower)).toEqual(['reopened', 'cleaned', 10]);
  });

  it('sees that the table is gone', async () => {
    await commitMore(2);
    const follower = await following();
    await deleteAll();
    expect(await stepOf(follower)).toEqual(['no-table', undefined]);
  });

  it('continues if the entry that it came from was cleaned away', async () => {
    await commitMore(5);
    const follower = await following();
    await commitMore(3);
    await checkpoint({ at });
    await commitMore(2);
    expect(await stepOf(follower)).toEqual(['commits', [6, 7, 8, 9, 10], 10]);
    for (let version = 0; version < 8; version++) await store.delete(commitPath('events', version));
    expect(await stepOf(follower)).toEqual(['nothing-new', 10]);
  });

  it('is told of a hole that came to be while it read several late commits', async () => {
    await commitMore(6);
    const late = await Promise.all([5, 6].map((version) => store.get(commitPath('events', version))));
    await goBackTo(4);
    const follower = await following();
    const { get } = store;
    store.get = async (path) => {
      if (path === commitPath('events', 5)) {
        store.get = get;
        await goBackTo(2);
        for (const [index, stray] of late.entries())
          await store.put(commitPath('events', 5 + index), stray?.bytes ?? new Uint8Array());
      }
      return get.call(store, path);
    };
    expect(await stepOf(follower)).toEqual(['commits', [5, 6], 6]);
    await expect(follower.advance()).rejects.toMatchObject({ code: 'delta.hole' });
  });

  it('is told of a hole also if a checkpoint is left of the entry that is lost', async () => {
    await commitMore(4);
    await checkpoint({ at });
    await commitMore(1);
    const follower = await following();
    await store.delete(commitPath('events', 4));
    // Cleaning keeps the entry of the checkpoint with which the log begins, so this entry was not cleaned away.
    await expect(follower.advance()).rejects.toMatchObject({ code: 'delta.hole' });
  });

  it.each(['no checkpoint', 'a checkpoint below it'])(
    'throws at a hole, and continues once it is gone (with %s)',
    async (which) => {
      await commitMore(3);
      if (which !== 'no checkpoint') await checkpoint({ at });
      await commitMore(2);
      const follower = await following();
      const stray = await store.get(commitPath('events', 5));
      await goBackTo(3);
      await store.put(commitPath('events', 5), stray?.bytes ?? new Uint8Array());
      // Its position is the stray entry itself. It notices that by the entry before.
      await expect(follower.advance()).rejects.toMatchObject({ code: 'delta.hole' });
      await store.delete(commitPath('events', 5));
      expect(await stepOf(follower)).toEqual(['reopened', 'rolled-back', 3]);
    },
  );
});

/** A follower, and the paths that it has read. */
function followReads() {
  const read: string[] = [];
  const get = (path: string) => {
    read.push(path);
    return store.get(path);
  };
  return { follower: followState({ ...at, store: { ...store, get } }), read };
}

describe('a follower that goes on from a position', () => {
  it('reads each later commit once, also in several calls', async () => {
    await commitMore(10);
    await checkpoint({ at });
    await commitMore(10);
    const position = positionOfState(await stateOf(14));
    const { follower, read } = followReads();
    follower.seek(position);
    expect(await stepOf(follower)).toEqual(['commits', [15, 16, 17, 18, 19, 20], 20]);
    const timesRead = (version: number) =>
      read.filter((path) => path === commitPath('events', version)).length;
    expect([15, 16, 17, 18, 19, 20].map(timesRead)).toEqual([1, 1, 1, 1, 1, 1]);
    follower.seek(positionOfState(await stateOf(20)));
    read.length = 0;
    expect(await stepOf(follower)).toEqual(['nothing-new', 20]);
    // It reads the entry of its position, the entry before, the next one, and once a minute the pointer to the newest checkpoint.
    expect(read).toEqual([
      ...[20, 14, 21].map((version) => commitPath('events', version)),
      lastCheckpointPath('events'),
    ]);
  });

  it('reads each commit once and lists nothing if the newest checkpoint is ahead', async () => {
    await commitMore(10);
    const position = positionOfState(await stateOf(7));
    await checkpoint({ at });
    await commitMore(3);
    const { follower, read } = followReads();
    counts.clear();
    follower.seek(position);
    expect(await stepOf(follower)).toEqual(['commits', [8, 9, 10, 11, 12, 13], 13]);
    expect(counts.get('list')).toBeUndefined();
    const timesRead = (version: number) =>
      read.filter((path) => path === commitPath('events', version)).length;
    // That of the checkpoint's version is compared with the checkpoint as well.
    expect([8, 9, 11, 12, 13].map(timesRead)).toEqual([1, 1, 1, 1, 1]);
    const other = followState(at);
    other.seek({ ...position, mark: 'another' });
    expect(await stepOf(other)).toEqual(['reopened', 'rolled-back', 13]);
  });

  it.each([
    [512, undefined],
    [513, 1],
  ])('reads on to a checkpoint %d versions ahead with %s listings', async (ahead, listings) => {
    await commitMore(3);
    const position = positionOfState(await stateOf());
    await commitMore(ahead);
    await checkpoint({ at });
    const follower = followState(at, { mostBehind: Infinity });
    follower.seek(position);
    counts.clear();
    expect(await follower.advance()).toMatchObject({ step: 'commits' });
    expect(counts.get('list')).toBe(listings);
    expect((await follower.toHead())?.version).toBe(3 + ahead);
  });

  it('is at the head when the newest checkpoint is that of the newest version', async () => {
    await commitMore(10);
    const position = positionOfState(await stateOf(7));
    await checkpoint({ at });
    const follower = followState(at);
    follower.seek(position);
    expect(await follower.advance()).toMatchObject({ step: 'commits', atHead: true, state: { version: 10 } });
  });

  it('begins at the first version of whichever table there is', async () => {
    const follower = followState(at);
    follower.seek(beginning);
    expect(await stepOf(follower)).toEqual(['no-table', undefined]);
    await commitMore(2);
    follower.seek(beginning);
    expect(await stepOf(follower)).toEqual(['commits', [0, 1, 2], 2]);
    await checkpoint({ at });
    await store.delete(commitPath('events', 0));
    const late = followState(at);
    late.seek(beginning);
    expect(await stepOf(late)).toEqual(['reopened', 'cleaned', 2]);
  });

  it('has the files of all commits if it begins at the first version', async () => {
    await commitMore(3);
    const follower = followSnapshot(at);
    follower.seek(beginning);
    expect(await follower.advance()).toMatchObject({ step: 'commits', atHead: true });
    const opened = await openSnapshot(at);
    expect(opened?.files.size).toBe(3);
    expect({ ...follower.state, reachedFrom: undefined }).toEqual({ ...opened, reachedFrom: undefined });
  });

  it('is told that the table is another one also if the newest checkpoint is ahead of its position', async () => {
    await commitMore(5);
    const position = positionOfState(await stateOf(2));
    await checkpoint({ at });
    const follower = followState(at);
    // An older loader keeps no marks.
    follower.seek({ ...position, tableId: 'another', mark: undefined });
    expect(await stepOf(follower)).toEqual(['reopened', 'made-again', 5]);
  });

  it.each([[[0, 1, 4, 5]], [[0, 1, 3, 4, 5]]])(
    'does not take the commits that are left for all, below a checkpoint of another writer, without %j',
    async (gone) => {
      await commitMore(5);
      const position = positionOfState(await stateOf(2));
      const snapshot = await openSnapshot(at);
      if (!snapshot) throw new Error('no table');
      const { protocol, metaData, files } = snapshot;
      // Other writers do not name the log entry that their checkpoint was made of.
      const adds = [...files.values()].map((add) => ({ add }));
      const { bytes } = encodeCheckpointRows([{ protocol }, { metaData }, ...adds]);
      await store.put(checkpointPath('events', 5), bytes);
      await store.put(lastCheckpointPath('events'), Buffer.from(JSON.stringify({ version: 5, size: 7 })));
      for (const version of gone) await store.delete(commitPath('events', version));
      const follower = followState(at);
      follower.seek(position);
      expect(await stepOf(follower)).toEqual(['reopened', 'cleaned', 5]);
    },
  );

  it('gets past an unreadable commit after it if there is a checkpoint beyond', async () => {
    await commitMore(5);
    const position = positionOfState(await stateOf(2));
    await checkpoint({ at });
    await store.put(commitPath('events', 4), Buffer.from('{"add":'));
    const follower = followState(at);
    follower.seek(position);
    expect(await stepOf(follower)).toEqual(['reopened', 'damaged', 5]);
  });

  it('is not given up because storage is away', async () => {
    await commitMore(5);
    const position = positionOfState(await stateOf(2));
    await checkpoint({ at });
    const { get } = store;
    let isAway = true;
    store.get = async (path) => {
      if (isAway && path === commitPath('events', 4)) throw new Error('away');
      return get(path);
    };
    const follower = followState(at);
    follower.seek(position);
    await expect(follower.advance()).rejects.toThrow('away');
    isAway = false;
    expect(await stepOf(follower)).toEqual(['commits', [3, 4, 5], 5]);
  });

  it.each([
    ['at its beginning', 0],
    ['after it', 3],
  ])('gets past a log that is damaged %s if there is a checkpoint beyond', async (_where, version) => {
    await commitMore(5);
    await checkpoint({ at });
    await store.put(commitPath('events', version), Buffer.from('{"add":'));
    const follower = followState(at);
    follower.seek(beginning);
    expect(await stepOf(follower)).toEqual(['reopened', 'damaged', 5]);
  });

  it('is told of a log without metaData, from the beginning on', async () => {
    await store.put(
      commitPath('events', 0),
      Buffer.from('{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}'),
    );
    const follower = followState(at);
    follower.seek(beginning);
    await expect(follower.advance()).rejects.toMatchObject({
      code: 'delta.invalid',
      message: 'memory/events version 0: the log holds no metaData action.',
    });
    await store.put(commitPath('events', 0), Buffer.from('{"txn":{"appId":"a","version":1}}'));
    await expect(follower.advance()).rejects.toThrow('the log holds no protocol action.');
  });

  it('has neither read on nor given up when storage did not answer', async () => {
    await commitMore(2);
    const follower = await following();
    await commitMore(1);
    const { get } = store;
    // Away for one request only: opening the table anew would succeed.
    let isAway = true;
    store.get = async (path) => {
      if (!isAway || path !== commitPath('events', 3)) return get(path);
      isAway = false;
      throw new Error('away');
    };
    await expect(follower.advance()).rejects.toThrow('away');
    expect(await stepOf(follower)).toEqual(['commits', [3], 3]);
    isAway = true;
    const late = followState(at);
    late.seek(beginning);
    await expect(late.advance()).rejects.toThrow('away');
    expect(await stepOf(late)).toEqual(['commits', [0, 1, 2, 3], 3]);
  });

  it('takes an unknown mark for the right one', async () => {
    await commitMore(5);
    const follower = followState(at);
    follower.seek({ ...positionOfState(await stateOf(3)), mark: undefined });
    expect(await stepOf(follower)).toEqual(['commits', [4, 5], 5]);
  });

  it.each([
    ['of another table', { tableId: 'another' }, 'made-again'],
    ['of another entry', { mark: 'another' }, 'rolled-back'],
    ['above the newest version', { version: 9 }, 'rolled-back'],
  ])('is told why it cannot go on from one %s', async (_what, change, because) => {
    await commitMore(5);
    const follower = followState(at);
    follower.seek({ ...positionOfState(await stateOf(3)), ...change });
    expect(await stepOf(follower)).toEqual(['reopened', because, 5]);
  });

  it.each([
    ['behind one', 3, 4],
    ['up to one, and with its own entry', 5, 5],
  ])('is told that the log was cleaned %s', async (_how, standing, last) => {
    await commitMore(5);
    const position = positionOfState(await stateOf(standing));
    await checkpoint({ at });
    for (let version = 0; version <= last; version++) await store.delete(commitPath('events', version));
    const follower = followState(at);
    follower.seek(position);
    expect(await stepOf(follower)).toEqual(['reopened', 'cleaned', 5]);
  });

  it('continues from the oldest remaining entry of a cleaned log', async () => {
    await commitMore(5);
    const follower = await following();
    await checkpoint({ at });
    for (let version = 0; version < 5; version++) await store.delete(commitPath('events', version));
    expect(await stepOf(follower)).toEqual(['nothing-new', 5]);
    await commitMore(1);
    expect(await stepOf(follower)).toEqual(['commits', [6], 6]);
  });

  it('needs no pointer to a checkpoint', async () => {
    await commitMore(5);
    await checkpoint({ at });
    await commitMore(3);
    await store.delete(lastCheckpointPath('events'));
    await store.delete(commitPath('events', 0));
    expect(await store.get(checkpointPath('events', 5))).toBeDefined();
    const follower = followState(at);
    follower.seek(positionOfState(await stateOf(6)));
    expect(await stepOf(follower)).toEqual(['commits', [7, 8], 8]);
  });
});

it('a commit of an unknown kind in between is followed like any other', async () => {
  await commitMore(1);
  const follower = await following();
  await putCommit(at, 2, [], { operation: 'SOMETHING', isBlindAppend: false });
  expect(await stepOf(follower)).toEqual(['commits', [2], 2]);
});
