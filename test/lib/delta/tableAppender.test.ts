import { describe, expect, it } from 'vitest';
import { countCalls } from '../../../bench/countingStore';
import { commitPath } from '../../../src/lib/delta/log';
import { openSnapshot } from '../../../src/lib/delta/openTable';
import { field } from '../../../src/lib/delta/schema';
import { TableAppender } from '../../../src/lib/delta/tableAppender';
import { checkpoint } from '../../../src/lib/maintenance/checkpoint';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';

const fields = [field('id', 'long', false)];

async function appendOne(table: TableAppender, id: number) {
  const add = await table.writeRows([[id]]);
  return table.commit(await table.state(), [add], [], 1);
}

describe('a table appender', () => {
  it('reads the table again after it slept: its next version may have been cleaned away', async () => {
    let now = Date.now();
    const store = new MemoryStore();
    const at = { store, table: 'events' };
    const sleeper = new TableAppender({ at, fields, now: () => now });
    await appendOne(sleeper, 1);
    const other = new TableAppender({ at, fields });
    for (const id of [2, 3, 4]) await appendOne(other, id);
    await checkpoint({ at });
    // What the cleaning of the log leaves: version 2 could now be written a second time, and nobody would read it.
    for (const version of [0, 1, 2, 3]) await store.delete(commitPath('events', version));
    now += 3_600_001;
    expect(await appendOne(sleeper, 5)).toMatchObject({ outcome: 'committed', state: { version: 5 } });
    expect(await store.get(commitPath('events', 2))).toBeUndefined();
    expect((await openSnapshot(at))?.files.size).toBe(5);
  });

  describe('after a minute', () => {
    const opened = () => {
      let now = Date.now();
      const at = { store: new MemoryStore(), table: 'events' };
      const table = new TableAppender({ at, fields, now: () => now });
      return { at, table, later: (ms: number) => (now += ms) };
    };
    const wipe = async (store: MemoryStore) => {
      for await (const { path } of store.list('')) await store.delete(path);
    };

    it('makes a table anew that was deleted', async () => {
      const { at, table, later } = opened();
      for (const id of [1, 2, 3]) await appendOne(table, id);
      await wipe(at.store);
      later(60_000);
      expect(await appendOne(table, 4)).toMatchObject({ outcome: 'committed', state: { version: 1 } });
      expect((await openSnapshot(at))?.files.size).toBe(1);
    });

    it('notices that it commits where nobody reads, and does not go on', async () => {
      const { at, table, later } = opened();
      await appendOne(table, 1);
      await wipe(at.store);
      // As far as this process can know without looking.
      later(30_000);
      await appendOne(table, 2);
      later(30_000);
      await expect(appendOne(table, 3)).rejects.toMatchObject({
        code: 'delta.invalid',
        message: 'memory/events version 0 is not in the log (any more).',
      });
    });

    it('finds a table that was made again in the place of the old one', async () => {
      const { at, table, later } = opened();
      for (const id of [1, 2, 3, 4, 5]) await appendOne(table, id);
      await wipe(at.store);
      const other = new TableAppender({ at, fields });
      for (const id of [6, 7]) await appendOne(other, id);
      later(60_000);
      expect(await appendOne(table, 8)).toMatchObject({ outcome: 'committed', state: { version: 3 } });
      expect((await openSnapshot(at))?.files.size).toBe(3);
    });

    it('asks for one small file while nothing is wrong, and finds its own commits', async () => {
      const { store, counts } = countCalls(new MemoryStore());
      let now = Date.now();
      const table = new TableAppender({ at: { store, table: 'events' }, fields, now: () => now });
      for (const id of [1, 2, 3]) await appendOne(table, id);
      const before = await table.state();
      counts.clear();
      now += 60_000;
      expect(await table.state()).toBe(before);
      expect(Object.fromEntries(counts)).toEqual({ get: 1 });
    });
  });

  it('does not commit on what it read more than an hour ago', async () => {
    let now = Date.now();
    const at = { store: new MemoryStore(), table: 'events' };
    const table = new TableAppender({ at, fields, now: () => now });
    const state = await table.state();
    now += 3_600_001;
    await expect(table.commit(state, [], [], 0)).rejects.toMatchObject({ code: 'delta.contention' });
  });

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
    expect(states[0]?.fields.map(({ name }) => name)).toEqual(['id', 'note']);
    // One that knows only the old columns goes on.
    expect(await appendOne(new TableAppender({ at, fields }), 2)).toMatchObject({ outcome: 'committed' });
    const required = new TableAppender({ at, fields: [...fields, field('must', 'long', false)] });
    await expect(required.state()).rejects.toMatchObject({ code: 'delta.schema' });
  });

  it('says that the table takes no such rows before any is written', async () => {
    const at = { store: new MemoryStore(), table: 'events' };
    await appendOne(new TableAppender({ at, fields }), 1);
    const other = new TableAppender({ at, fields: [field('id', 'string', false)] });
    await expect(other.state()).rejects.toMatchObject({ code: 'delta.schema' });
  });

  it('makes the table once, however many want it first', async () => {
    const at = { store: new MemoryStore(), table: 'events' };
    const appenders = [1, 2, 3, 4].map(() => new TableAppender({ at, fields }));
    await Promise.all(appenders.map((appender, id) => appendOne(appender, id)));
    const snapshot = await openSnapshot(at);
    expect([snapshot?.version, snapshot?.files.size]).toEqual([4, 4]);
  });
});
