import { beforeEach, describe, expect, it } from 'vitest';
import { createTable, putCommit } from '../../../src/lib/delta/commit';
import { commitPath, readCommit } from '../../../src/lib/delta/log';
import { openSnapshot, openState } from '../../../src/lib/delta/openTable';
import { field, serializeSchema } from '../../../src/lib/delta/schema';
import type { TableState } from '../../../src/lib/delta/state';
import { TableAppender } from '../../../src/lib/delta/tableAppender';
import { TributaryError } from '../../../src/lib/errors';
import { checkpoint } from '../../../src/lib/maintenance/checkpoint';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { countCalls } from '../../kit/countingStore';

const fields = [field('id', 'long', false)];

async function appendOne(table: TableAppender, id: number) {
  const prepared = await table.prepare(await table.state(), [[id]]);
  return prepared && table.commit(prepared, [], 1);
}

/** Appends as the writer does: plans again if the log no longer holds the state. */
const appendSurely = async (table: TableAppender, id: number) =>
  (await appendOne(table, id)) ?? (await appendOne(table, id));

async function dataFiles(store: MemoryStore): Promise<string[]> {
  const paths = [];
  for await (const { path } of store.list('events/part-')) paths.push(path);
  return paths;
}

/** A fourth commit is prepared. Only after its last look at the log does that lose the second and the third. */
async function prepareAboveHole() {
  const at = { store: new MemoryStore(), table: 'events' };
  const table = new TableAppender({ at, fields });
  for (const id of [1, 2, 3]) await appendOne(table, id);
  const prepared = await table.prepare(await table.state(), [[4]]);
  if (!prepared) throw new Error('nothing is wrong yet');
  for (const version of [2, 3]) await at.store.delete(commitPath('events', version));
  return { at, table, prepared };
}

async function wipe(store: MemoryStore) {
  for await (const { path } of store.list('')) await store.delete(path);
}

describe('a table appender', () => {
  it('reads the table again after it slept: its next version may have been cleaned away', async () => {
    const store = new MemoryStore();
    const at = { store, table: 'events' };
    const sleeper = new TableAppender({ at, fields });
    await appendOne(sleeper, 1);
    const other = new TableAppender({ at, fields });
    for (const id of [2, 3, 4]) await appendOne(other, id);
    await checkpoint({ at });
    // This is the log after a cleaning: version 2 could now be written a second time, but would never be read.
    for (const version of [0, 1, 2, 3]) await store.delete(commitPath('events', version));
    expect(await appendOne(sleeper, 5)).toBeUndefined();
    expect(await dataFiles(store)).toHaveLength(4);
    expect(await appendOne(sleeper, 5)).toMatchObject({ outcome: 'committed', state: { version: 5 } });
    expect(await store.get(commitPath('events', 2))).toBeUndefined();
    expect((await openSnapshot(at))?.files.size).toBe(5);
  });

  it('reads the table again after an hour: a cleaning that was interrupted may have left the entry that it stands on', async () => {
    const store = new MemoryStore();
    const at = { store, table: 'events' };
    let now = Date.now();
    const sleeper = new TableAppender({ at, fields, now: () => now });
    expect(await sleeper.state()).toMatchObject({ version: 0 });
    const other = new TableAppender({ at, fields });
    for (const id of [1, 2, 3, 4]) await appendOne(other, id);
    await checkpoint({ at });
    for (const version of [1, 2, 3]) await store.delete(commitPath('events', version));
    now += 3_600_001;
    expect(await appendOne(sleeper, 5)).toMatchObject({ outcome: 'committed', state: { version: 5 } });
    expect((await openSnapshot(at))?.files.size).toBe(5);
  });

  it('reads the log again before its next append, also if the first try to read it failed', async () => {
    const store = new MemoryStore();
    const at = { store, table: 'events' };
    const table = new TableAppender({ at, fields });
    await appendOne(table, 1);
    table.forget();
    const { get } = store;
    store.get = async () => {
      throw new TributaryError('storage.unavailable', 'away');
    };
    await expect(table.state()).rejects.toThrow('away');
    store.get = get;
    await appendOne(new TableAppender({ at, fields }), 2);
    expect(await table.state()).toMatchObject({ version: 2 });
  });

  it('makes a table anew that was deleted', async () => {
    const at = { store: new MemoryStore(), table: 'events' };
    const table = new TableAppender({ at, fields });
    for (const id of [1, 2, 3]) await appendOne(table, id);
    await wipe(at.store);
    expect(await appendSurely(table, 4)).toMatchObject({ outcome: 'committed', state: { version: 1 } });
    expect((await openSnapshot(at))?.files.size).toBe(1);
  });

  it('finds a table that was made again in the place of the old one', async () => {
    const at = { store: new MemoryStore(), table: 'events' };
    const table = new TableAppender({ at, fields });
    for (const id of [1, 2, 3, 4, 5]) await appendOne(table, id);
    await wipe(at.store);
    const other = new TableAppender({ at, fields });
    for (const id of [6, 7]) await appendOne(other, id);
    expect(await appendSurely(table, 8)).toMatchObject({ outcome: 'committed', state: { version: 3 } });
    expect((await openSnapshot(at))?.files.size).toBe(3);
  });

  it.each([1, 2, 5])('commits nothing above a log that went back by %d versions', async (lost) => {
    const at = { store: new MemoryStore(), table: 'events' };
    const table = new TableAppender({ at, fields });
    for (const id of [1, 2, 3, 4, 5, 6]) await appendOne(table, id);
    for (let version = 6; version > 6 - lost; version--) await at.store.delete(commitPath('events', version));
    expect(await appendOne(table, 7)).toBeUndefined();
    expect(await appendOne(table, 7)).toMatchObject({ state: { version: 6 - lost + 1 } });
    expect((await openSnapshot(at))?.files.size).toBe(6 - lost + 1);
  });

  it('notices by the entry below that its own last commit is above a hole', async () => {
    const { table, prepared } = await prepareAboveHole();
    expect(await table.commit(prepared, [], 1)).toMatchObject({ state: { version: 4 } });
    expect(await appendOne(table, 5)).toBeUndefined();
    await expect(appendOne(table, 5)).rejects.toMatchObject({
      code: 'delta.hole',
      message: expect.stringContaining('Run "npm run table -- repair events"'),
    });
  });

  it.each(['the winner', 'the loser'])(
    'finds that out also where it raced another late commit and was %s',
    async (which) => {
      const at = { store: new MemoryStore(), table: 'events' };
      const winner = new TableAppender({ at, fields });
      for (const id of [1, 2, 3]) await appendOne(winner, id);
      const loser = new TableAppender({ at, fields });
      const [first, second] = [
        await winner.prepare(await winner.state(), [[4]]),
        await loser.prepare(await loser.state(), [[5]]),
      ];
      if (!first || !second) throw new Error('nothing is wrong yet');
      for (const version of [2, 3]) await at.store.delete(commitPath('events', version));
      expect(await winner.commit(first, [], 1)).toMatchObject({ state: { version: 4 } });
      expect(await loser.commit(second, [], 1)).toMatchObject({ state: { version: 5 } });
      const one = which === 'the winner' ? winner : loser;
      expect(await appendOne(one, 6)).toBeUndefined();
      await expect(appendOne(one, 6)).rejects.toMatchObject({ code: 'delta.hole' });
    },
  );

  it('does not take an entry for the log that was made on other ones', async () => {
    const { at, table, prepared } = await prepareAboveHole();
    const other = new TableAppender({ at, fields });
    await appendOne(other, 5);
    // It arrives late, while the log grows up to it.
    await table.commit(prepared, [], 1);
    const otherWay = await other.prepare(await other.state(), [[6]]);
    if (!otherWay) throw new Error('nothing is wrong below');
    await other.commit(otherWay, [], 1);
    expect((await at.store.get(commitPath('events', 3)))?.bytes).toBeDefined();
    await expect(appendOne(other, 7)).rejects.toMatchObject({
      code: 'delta.hole',
      table: 'events',
      message: expect.stringContaining(
        'memory/events version 4 was built on a version 3 that is no longer in the log',
      ),
    });
  });

  it('commits txns without a file where there are no rows', async () => {
    const at = { store: new MemoryStore(), table: 'events' };
    const table = new TableAppender({ at, fields });
    const prepared = await table.prepare(await table.state(), undefined);
    if (!prepared) throw new Error('nothing is wrong');
    expect(await table.commit(prepared, [{ appId: 'p0', version: 7 }], 0)).toMatchObject({
      outcome: 'committed',
    });
    expect(await readCommit(at, 1)).toMatchObject({
      adds: [],
      txns: [{ appId: 'p0', version: 7 }],
      commitInfo: { operationMetrics: { numFiles: '0', numOutputRows: '0' } },
    });
  });

  it('looks for its file in storage only where a commit took long', async () => {
    let now = Date.now();
    const { store, counts } = countCalls(new MemoryStore());
    const table = new TableAppender({ at: { store, table: 'events' }, fields, now: () => now });
    for (const [tookMs, looks] of [
      [0, 0],
      [60_000, 2],
      [0, 0],
    ] as const) {
      const prepared = await table.prepare(await table.state(), [[1]]);
      if (!prepared) throw new Error('nothing is wrong');
      now += tookMs;
      counts.clear();
      await table.commit(prepared, [], 1);
      expect(counts.get('getRange') ?? 0).toBe(looks);
    }
  });

  it('appends rows in any case, even if the log goes back before or during the commit', async () => {
    let now = Date.now();
    const at = { store: new MemoryStore(), table: 'events' };
    const table = new TableAppender({ at, fields, now: () => now });
    for (const id of [1, 2, 3]) await appendOne(table, id);
    await at.store.delete(commitPath('events', 3));
    expect((await table.appendRows([[4]], 1)).version).toBe(3);
    // While the file is written, storage is away for long, and comes back without the last version.
    const { put } = at.store;
    at.store.put = async (path, bytes) => {
      const done = await put.call(at.store, path, bytes);
      at.store.put = put;
      setImmediate(async () => {
        now += 1001;
        await at.store.delete(commitPath('events', 3));
      });
      await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setImmediate(resolve));
      return done;
    };
    const state = await table.appendRows([[5]], 1);
    expect(state.version).toBe(3);
    expect((await openSnapshot(at))?.files.size).toBe(3);
  });

  describe('where storage fails before the commit is sent', () => {
    let at: { store: MemoryStore; table: string };
    let table: TableAppender;
    let state: TableState;
    let now = 0;
    beforeEach(async () => {
      at = { store: new MemoryStore(), table: 'events' };
      table = new TableAppender({ at, fields, now: () => now });
      await appendOne(table, 1);
      state = await table.state();
    });

    const away = () => Promise.reject(new TributaryError('storage.unavailable', 'away'));

    /** From now on the store's answers to this call are lost: after it was done, or before. */
    function loseAnswers(method: 'put' | 'putIfAbsent', isDone: boolean) {
      const { store } = at;
      const call = store[method].bind(store);
      store[method] = async (...file: Parameters<MemoryStore['put']>) => {
        if (isDone) await call(...file);
        return away();
      };
    }

    it('prepares nothing, and leaves no file: the log cannot be read', async () => {
      at.store.get = away;
      await expect(table.prepare(state, [[2]])).rejects.toThrow('away');
      await expect(table.prepare(state, undefined)).rejects.toThrow('away');
      expect(await dataFiles(at.store)).toHaveLength(1);
    });

    it.each([
      ['not stored', false],
      ['stored, and the answer is lost', true],
    ])('prepares nothing, and leaves no file: the file is %s', async (_what, isStored) => {
      loseAnswers('put', isStored);
      await expect(table.prepare(state, [[2]])).rejects.toThrow('away');
      expect(await dataFiles(at.store)).toHaveLength(1);
    });

    it('tells that failure, and leaves the file to vacuum, if it cannot be deleted either', async () => {
      at.store.get = away;
      at.store.delete = () => Promise.reject(new Error('away as well'));
      await expect(table.prepare(state, [[2]])).rejects.toThrow('away');
      expect(await dataFiles(at.store)).toHaveLength(2);
    });

    it.each(['get', 'getRange'] as const)(
      'leaves no file of a slow round, which is checked again with %s',
      async (method) => {
        const prepared = await table.prepare(state, [[2]]);
        if (!prepared) throw new Error('nothing is wrong');
        now += 1001;
        at.store[method] = away;
        await expect(table.commit(prepared, [], 1)).rejects.toThrow('away');
        expect(await dataFiles(at.store)).toHaveLength(1);
      },
    );

    it.each([
      ['arrived, and the answer was lost', true],
      ['may still arrive', false],
    ])('but keeps the file of a commit that %s', async (_what, hasArrived) => {
      loseAnswers('putIfAbsent', hasArrived);
      await expect(appendOne(table, 2)).rejects.toThrow('away');
      expect(await dataFiles(at.store)).toHaveLength(2);
      expect((await openSnapshot(at))?.files.size).toBe(hasArrived ? 2 : 1);
    });
  });

  it('continues from the newer of two commits, even if the older one ends last', async () => {
    let hold: Promise<void> | undefined;
    class SlowAnswers extends MemoryStore {
      override async putIfAbsent(path: string, bytes: Uint8Array) {
        const answer = await super.putIfAbsent(path, bytes);
        if (path === commitPath('events', 2)) await hold;
        return answer;
      }
    }
    const at = { store: new SlowAnswers(), table: 'events' };
    const table = new TableAppender({ at, fields });
    await appendOne(table, 1);
    let letGo = () => {};
    hold = new Promise((resolve) => {
      letGo = resolve;
    });
    const older = appendOne(table, 2);
    while (!(await at.store.get(commitPath('events', 2)))) await new Promise((done) => setImmediate(done));
    hold = undefined;
    expect(await appendOne(table, 3)).toMatchObject({ state: { version: 3 } });
    letGo();
    expect(await older).toMatchObject({ outcome: 'committed', state: { version: 2 } });
    expect((await table.state()).version).toBe(3);
  });

  describe('in a round that takes more than a second', () => {
    /** A table whose clock is moved, and storage that goes back in time where a test says so. */
    async function slowRound() {
      let now = Date.now();
      const at = { store: new MemoryStore(), table: 'events' };
      const table = new TableAppender({ at, fields, now: () => now });
      for (const id of [1, 2, 3, 4]) await appendOne(table, id);
      const prepared = await table.prepare(await table.state(), [[5]]);
      if (!prepared) throw new Error('nothing is wrong');
      now += 1001;
      return { at, table, prepared };
    }

    it('checks again before the commit that the log still holds the entries it builds on', async () => {
      const { at, table, prepared } = await slowRound();
      for (const version of [3, 4]) await at.store.delete(commitPath('events', version));
      expect(await table.commit(prepared, [], 1)).toMatchObject({ outcome: 'moved' });
      expect(await at.store.get(commitPath('events', 5))).toBeUndefined();
      expect(await appendOne(table, 5)).toMatchObject({ outcome: 'committed', state: { version: 3 } });
    });

    it('commits no file that storage has lost', async () => {
      const { at, table, prepared } = await slowRound();
      await at.store.delete(`events/${prepared.add?.path}`);
      expect(await table.commit(prepared, [], 1)).toMatchObject({ outcome: 'moved' });
      expect((await openSnapshot(at))?.version).toBe(4);
    });

    it('stores a file again that storage lost while the commit was under way', async () => {
      const { at, table, prepared } = await slowRound();
      const path = `events/${prepared.add?.path}`;
      const stored = await at.store.get(path);
      const { putIfAbsent } = at.store;
      at.store.putIfAbsent = async (...args) => {
        await at.store.delete(path);
        return putIfAbsent.apply(at.store, args);
      };
      expect(await table.commit(prepared, [], 1)).toMatchObject({ outcome: 'committed' });
      expect((await at.store.get(path))?.bytes).toEqual(stored?.bytes);
    });
  });

  it('looks at two small files beside the upload, and reads nothing else', async () => {
    const { store, counts } = countCalls(new MemoryStore());
    const table = new TableAppender({ at: { store, table: 'events' }, fields });
    for (const id of [1, 2, 3]) await appendOne(table, id);
    counts.clear();
    await appendOne(table, 4);
    expect(Object.fromEntries(counts)).toEqual({ put: 1, get: 2, putIfAbsent: 1 });
  });

  it('does not look again before the commit if a second has passed, and no more', async () => {
    const { store, counts } = countCalls(new MemoryStore());
    let now = 0;
    const table = new TableAppender({ at: { store, table: 'events' }, fields, now: () => now });
    await appendOne(table, 1);
    const prepared = await table.prepare(await table.state(), [[2]]);
    if (!prepared) throw new Error('nothing is wrong');
    now += 1000;
    counts.clear();
    expect(await table.commit(prepared, [], 1)).toMatchObject({ outcome: 'committed' });
    expect(Object.fromEntries(counts)).toEqual({ putIfAbsent: 1 });
  });

  it('looks for new commits with one read each if the table has all its columns', async () => {
    const { store, counts } = countCalls(new MemoryStore());
    const table = new TableAppender({ at: { store, table: 'events' }, fields });
    await appendOne(table, 1);
    await table.refresh();
    counts.clear();
    await table.refresh();
    expect(Object.fromEntries(counts)).toEqual({ get: 2 });
  });

  it('does not commit a round that was prepared more than an hour ago', async () => {
    let now = Date.now();
    const at = { store: new MemoryStore(), table: 'events' };
    const table = new TableAppender({ at, fields, now: () => now });
    const prepared = await table.prepare(await table.state(), [[1]]);
    if (!prepared) throw new Error('nothing is wrong');
    now += 3_600_001;
    await expect(table.commit(prepared, [], 0)).rejects.toMatchObject({ code: 'delta.contention' });
    expect(await dataFiles(at.store)).toEqual([]);
  });

  it('writes no file of rows that a version of the table does not take', async () => {
    const at = { store: new MemoryStore(), table: 'events' };
    const table = new TableAppender({ at, fields });
    const state = await table.state();
    const protocol = { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['rowTracking'] };
    const refused = table.prepare({ ...state, protocol }, [[1]]);
    await expect(refused).rejects.toMatchObject({ code: 'delta.unsupported' });
    expect(await dataFiles(at.store)).toEqual([]);
  });

  it.each([
    [
      'delta.unsupported',
      { protocol: { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['rowTracking'] } },
    ],
    ['delta.schema', { columns: [...fields, field('must', 'long', false)] }],
  ])(
    'leaves no file of rows that the table stopped to take before their commit: %s',
    async (code, change) => {
      const at = { store: new MemoryStore(), table: 'events' };
      const table = new TableAppender({ at, fields });
      const state = await table.state();
      const prepared = await table.prepare(state, [[1]]);
      if (!prepared) throw new Error('not prepared');
      const { protocol, columns } = { protocol: state.protocol, columns: fields, ...change };
      const metaData = { ...state.metaData, schemaString: serializeSchema(columns) };
      const description = { operation: 'ALTER TABLE', isBlindAppend: false };
      await putCommit(at, 1, [{ protocol }, { metaData }], description);
      await expect(table.commit(prepared, [], 1)).rejects.toMatchObject({ code });
      expect(await dataFiles(at.store)).toEqual([]);
    },
  );

  it('reads the table again when it is told to forget', async () => {
    const at = { store: new MemoryStore(), table: 'events' };
    const one = new TableAppender({ at, fields });
    await appendOne(one, 1);
    await appendOne(new TableAppender({ at, fields }), 2);
    expect((await one.state()).version).toBe(1);
    one.forget();
    expect((await one.state()).version).toBe(2);
  });

  it('adds nullable columns that the table lacks, once, and refuses others', async () => {
    const at = { store: new MemoryStore(), table: 'events' };
    await appendOne(new TableAppender({ at, fields }), 1);
    const wider = [...fields, field('note', 'string')];
    const appenders = [1, 2, 3].map(() => new TableAppender({ at, fields: wider }));
    const states = await Promise.all(appenders.map((appender) => appender.state()));
    expect(states.map((state) => state.version)).toEqual([2, 2, 2]);
    // Each remembers the version with the column.
    const remembered = await Promise.all(appenders.map((appender) => appender.state()));
    expect(remembered.map(({ version, fields: { length } }) => [version, length])).toEqual([
      [2, 2],
      [2, 2],
      [2, 2],
    ]);
    expect(states[0]?.fields.map(({ name }) => name)).toEqual(['id', 'note']);
    // One that knows only the old columns goes on.
    expect(await appendOne(new TableAppender({ at, fields }), 2)).toMatchObject({ outcome: 'committed' });
    const required = new TableAppender({ at, fields: [...fields, field('must', 'long', false)] });
    await expect(required.state()).rejects.toMatchObject({ code: 'delta.schema' });
  });

  it('adds no columns to a table that would not take its rows even then', async () => {
    const at = { store: new MemoryStore(), table: 'events' };
    await createTable(at, [...fields, field('theirs', 'long', false)]);
    const wider = new TableAppender({ at, fields: [...fields, field('note', 'string')] });
    await expect(wider.state()).rejects.toMatchObject({
      code: 'delta.schema',
      message: expect.stringContaining('theirs must have a value'),
    });
    expect((await openState(at))?.version).toBe(0);
  });

  it('says that the table takes no such rows before any is written', async () => {
    const at = { store: new MemoryStore(), table: 'events' };
    await appendOne(new TableAppender({ at, fields }), 1);
    const other = new TableAppender({ at, fields: [field('id', 'string', false)] });
    await expect(other.state()).rejects.toMatchObject({ code: 'delta.schema' });
  });

  it('reads the table again after it found that the table takes no such rows', async () => {
    const at = { store: new MemoryStore(), table: 'events' };
    const table = new TableAppender({ at, fields });
    const { metaData } = await table.state();
    const description = { operation: 'CHANGE', isBlindAppend: false };
    const schemaString = serializeSchema([field('id', 'string', false)]);
    await putCommit(at, 1, [{ metaData: { ...metaData, schemaString } }], description);
    await expect(table.refresh()).rejects.toMatchObject({ code: 'delta.schema' });
    await putCommit(at, 2, [{ metaData }], description);
    expect(await table.state()).toMatchObject({ version: 2 });
  });

  it('makes the table once, however many want it first', async () => {
    const at = { store: new MemoryStore(), table: 'events' };
    const appenders = [1, 2, 3, 4].map(() => new TableAppender({ at, fields }));
    await Promise.all(appenders.map((appender, id) => appendOne(appender, id)));
    const snapshot = await openSnapshot(at);
    expect([snapshot?.version, snapshot?.files.size]).toEqual([4, 4]);
  });
});
