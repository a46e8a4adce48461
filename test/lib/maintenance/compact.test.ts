import { randomBytes } from 'node:crypto';
import { parquetMetadata } from 'hyparquet';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Add } from '../../../src/lib/delta/actions';
import { addColumns } from '../../../src/lib/delta/addColumns';
import { append, createTable, putCommit } from '../../../src/lib/delta/commit';
import { commitPath, readCommit, type TableLocation } from '../../../src/lib/delta/log';
import { NumberColumn } from '../../../src/lib/delta/numberColumn';
import { field, serializeSchema } from '../../../src/lib/delta/schema';
import { writeDataFile } from '../../../src/lib/delta/writeDataFile';
import { TributaryError } from '../../../src/lib/errors';
import { checkpoint } from '../../../src/lib/maintenance/checkpoint';
import { compact } from '../../../src/lib/maintenance/compact';
import { performDuty } from '../../../src/lib/maintenance/duties';
import { planBins } from '../../../src/lib/maintenance/planBins';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { appendFiles, fields, newLocation, pathsOf, readRows, snapshotOf, stateOf } from './table';

let at: TableLocation;
beforeEach(() => {
  at = newLocation();
});

async function compacted(options: Partial<Parameters<typeof compact>[0]> = {}) {
  const result = await compact({ at, ...options });
  if (result.outcome !== 'done') throw new Error(result.outcome);
  return result;
}

/** How many rows each row group of the table's only file has. */
async function rowGroupsOfFile(): Promise<number[]> {
  const [path] = (await snapshotOf(at)).files.keys();
  const { bytes = new Uint8Array() } = (await at.store.get(`events/${path}`)) ?? {};
  return parquetMetadata(new Uint8Array(bytes).buffer).row_groups.map(({ num_rows }) => Number(num_rows));
}

/** A store that runs something before the next log entry is written. */
class Interposed extends MemoryStore {
  beforeCommit: (() => Promise<void>) | undefined;

  override async putIfAbsent(path: string, bytes: Uint8Array) {
    const act = this.beforeCommit;
    this.beforeCommit = undefined;
    await act?.();
    return super.putIfAbsent(path, bytes);
  }
}

describe('a compaction', () => {
  it('writes numbers of few values as a dictionary, as ingestion does', async () => {
    const rows = 5000;
    let state = await appendFiles(at, 1);
    for (let file = 0; file < 2; file++) {
      const ids = Float64Array.from(randomBytes(rows), (byte) => byte % 16);
      const columns = [new NumberColumn(ids), Array.from({ length: rows }, () => null)];
      const adds = [await writeDataFile({ at, fields, columns })];
      const after = await append({ state, fields, adds, txns: [] });
      state = after.state;
    }
    const { bins } = await compacted();
    // Half a byte for each of 16 values; as text or plain numbers they would take several.
    expect(bins).toMatchObject([{ outcome: 'committed', inputs: 3 }]);
    const [file] = (await snapshotOf(at)).files.values();
    expect(file?.size).toBeLessThan(rows * 2);
  });

  it('puts small files into one, in one commit that changes no data', async () => {
    await appendFiles(at, 20);
    const before = await readRows(at);
    const { bins, version } = await compacted();
    expect(bins).toEqual([
      {
        outcome: 'committed',
        version: 21,
        inputs: 20,
        inputBytes: expect.any(Number),
        outputBytes: expect.any(Number),
      },
    ]);
    const snapshot = await snapshotOf(at);
    expect([version, snapshot.version, snapshot.files.size, snapshot.tombstones.size]).toEqual([
      21, 21, 1, 20,
    ]);
    expect(await readRows(at)).toEqual(before);
    expect(snapshot.txns.get('p0')?.version).toBe(199);
    const [add] = snapshot.files.values();
    expect(add?.dataChange).toBe(false);
    expect([...snapshot.tombstones.values()].every(({ dataChange }) => dataChange === false)).toBe(true);
    expect(JSON.parse(add?.stats ?? '')).toEqual({
      numRecords: 200,
      minValues: { id: 0, name: 'name 1' },
      maxValues: { id: 199, name: 'name 99' },
      nullCount: { id: 0, name: 29 },
    });
    expect(await readRows(at, 20)).toEqual(before);
    const { commitInfo } = (await readCommit(at, 21)) ?? {};
    const [bin] = bins;
    expect(commitInfo).toMatchObject({
      operation: 'OPTIMIZE',
      operationMetrics: {
        numRemovedFiles: '20',
        numRemovedBytes: String(bin?.inputBytes),
        numAddedFiles: '1',
        numAddedBytes: String(bin?.outputBytes),
      },
      // It would be no conflict for a writer that deletes one of the files.
      isBlindAppend: false,
    });
  });

  it('has nothing to do a second time, and nothing without a table', async () => {
    expect(await compact({ at })).toEqual({ outcome: 'no-table' });
    await appendFiles(at, 5);
    await compacted();
    expect((await compacted()).bins).toEqual([]);
    expect((await snapshotOf(at)).version).toBe(6);
  });

  it('makes a commit of every bin, and only says so in a dry run', async () => {
    await appendFiles(at, 12);
    const { size } = [...(await snapshotOf(at)).files.values()][0] as Add;
    const planned = await compacted({ targetBytes: size * 4.5, dryRun: true });
    expect(planned.bins.map(({ outcome, inputs }) => [outcome, inputs])).toEqual([
      ['planned', 4],
      ['planned', 4],
      ['planned', 4],
    ]);
    expect((await snapshotOf(at)).version).toBe(12);
    const { bins } = await compacted({ targetBytes: size * 4.5 });
    expect(bins.map(({ outcome, version }) => [outcome, version])).toEqual([
      ['committed', 13],
      ['committed', 14],
      ['committed', 15],
    ]);
    expect((await readRows(at)).length).toBe(120);
  });

  it('gives rows that were written before a column was added nulls there', async () => {
    await appendFiles(at, 3);
    await addColumns(at, [field('price', 'double')]);
    await appendFiles(at, 3, { first: 30 });
    await compacted();
    expect((await snapshotOf(at)).files.size).toBe(1);
    const rows = await readRows(at);
    expect(rows.length).toBe(60);
    expect(rows[1]).toEqual([1, 'name 1', null]);
  });

  it('succeeds while appends are committed', async () => {
    const store = new Interposed();
    at = { store, table: 'events' };
    await appendFiles(at, 4);
    store.beforeCommit = async () => {
      await appendFiles(at, 3, { first: 40 });
    };
    const { bins } = await compacted();
    expect(bins.map(({ outcome, version }) => [outcome, version])).toEqual([['committed', 8]]);
    const snapshot = await snapshotOf(at);
    expect([snapshot.files.size, snapshot.txns.get('p0')?.version]).toEqual([4, 69]);
    expect((await readRows(at)).map(([id]) => id)).toEqual(Array.from({ length: 70 }, (_, id) => id));
  });

  it('conflicts, and doubles no row, when another compaction was faster', async () => {
    const store = new Interposed();
    at = { store, table: 'events' };
    await appendFiles(at, 6);
    const before = await readRows(at);
    store.beforeCommit = async () => {
      await compacted();
    };
    const { bins } = await compacted();
    expect(bins.map(({ outcome }) => outcome)).toEqual(['conflict']);
    expect((await snapshotOf(at)).version).toBe(7);
    expect(await readRows(at)).toEqual(before);
  });

  it('counts a bin that conflicted as such, and none of its files as rewritten', async () => {
    const store = new Interposed();
    at = { store, table: 'events' };
    await appendFiles(at, 6);
    store.beforeCommit = async () => {
      await compacted();
    };
    expect(await performDuty('compact', { at })).toMatchObject({ bins: 0, conflicts: 1, files: 0, bytes: 0 });
  });

  it('conflicts if a rival changed one of its files', async () => {
    const store = new Interposed();
    at = { store, table: 'events' };
    await appendFiles(at, 4);
    const [first] = [...(await snapshotOf(at)).files.values()];
    const add = { ...(first as Add), dataChange: false, tags: { reviewed: 'yes' } };
    store.beforeCommit = async () => {
      await putCommit(at, 5, [{ add }], { operation: 'SET TAG', isBlindAppend: false });
    };
    expect((await compacted()).bins.map(({ outcome }) => outcome)).toEqual(['conflict']);
    expect(await snapshotOf(at)).toMatchObject({ version: 5, files: { size: 4 } });
  });

  it('notices a rival that removed files of a later bin while it wrote an earlier one', async () => {
    const store = new Interposed();
    at = { store, table: 'events' };
    await appendFiles(at, 8);
    const before = await readRows(at);
    const adds = [...(await snapshotOf(at)).files.values()];
    const targetBytes = (adds[0]?.size ?? 0) * 4.5;
    store.beforeCommit = async () => {
      const later = planBins(adds, targetBytes)[1] ?? [];
      const removes = later.map(({ path }) => ({ remove: { path, dataChange: true, deletionTimestamp: 1 } }));
      await putCommit(at, 9, removes, { operation: 'DELETE', isBlindAppend: false });
    };
    const { bins } = await compacted({ targetBytes });
    expect(bins.map(({ outcome }) => outcome)).toEqual(['committed', 'conflict']);
    const left = await readRows(at);
    expect(left.length).toBe(40);
    expect(before).toEqual(expect.arrayContaining(left));
  });

  it('conflicts when the table got another schema meanwhile', async () => {
    const store = new Interposed();
    at = { store, table: 'events' };
    await appendFiles(at, 4);
    store.beforeCommit = async () => {
      await addColumns(at, [field('late', 'string')]);
    };
    expect((await compacted()).bins.map(({ outcome }) => outcome)).toEqual(['conflict']);
    expect((await compacted()).bins.map(({ outcome }) => outcome)).toEqual(['committed']);
    expect((await readRows(at)).length).toBe(40);
  });

  it('keeps off a table whose rules changed while it wrote the bin before', async () => {
    const store = new MemoryStore();
    at = { store, table: 'events' };
    await appendFiles(at, 8);
    const { size } = [...(await snapshotOf(at)).files.values()][0] as Add;
    const protocol = {
      minReaderVersion: 1,
      minWriterVersion: 7,
      writerFeatures: ['appendOnly', 'rowTracking'],
    };
    const put = store.put.bind(store);
    store.put = async (path, bytes) => {
      await putCommit(at, 9, [{ protocol }], { operation: 'UPGRADE PROTOCOL', isBlindAppend: false });
      return put(path, bytes);
    };
    await expect(compacted({ targetBytes: size * 4.5 })).rejects.toMatchObject({
      code: 'delta.unsupported',
      message: expect.stringContaining(
        'memory/events version 9: writing needs the table feature rowTracking',
      ),
    });
    expect(await snapshotOf(at)).toMatchObject({ version: 9, protocol });
  });

  it('loses and doubles nothing beside two writers, a second compaction and checkpoints', async () => {
    await appendFiles(at, 4);
    const writers = [1, 2].map(async (writer) => {
      let state = await stateOf(at);
      for (let n = 0; n < 25; n++) {
        const id = 1000 * writer + n;
        const add = await writeDataFile({ at, fields, columns: [[id], [`writer ${writer}`]] });
        ({ state } = await append({
          state,
          fields,
          adds: [add],
          txns: [{ appId: `w${writer}`, version: n }],
        }));
      }
    });
    let isWriting = true;
    const maintenance = [compact, compact, checkpoint].map(async (duty) => {
      while (isWriting) {
        await duty({ at });
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    await Promise.all(writers);
    isWriting = false;
    await Promise.all(maintenance);
    await compacted();
    const expected = [
      ...Array.from({ length: 40 }, (_, id) => id),
      ...[1000, 2000].flatMap((first) => Array.from({ length: 25 }, (_, n) => first + n)),
    ];
    expect((await readRows(at)).map(([id]) => id)).toEqual(expected);
    const { txns, files } = await snapshotOf(at);
    expect([txns.get('w1')?.version, txns.get('w2')?.version]).toEqual([24, 24]);
    expect(files.size).toBeLessThan(54);
  });

  it('does not disturb an append that was under way', async () => {
    const stale = await appendFiles(at, 3);
    await compacted();
    const { outcome, state } = await append({
      state: stale,
      fields,
      adds: [],
      txns: [{ appId: 'p9', version: 1 }],
    });
    expect([outcome, state.version]).toEqual(['committed', 5]);
  });

  it('ends between two bins if its signal is aborted, and keeps committed bins', async () => {
    await appendFiles(at, 8);
    const { size } = [...(await snapshotOf(at)).files.values()][0] as Add;
    const ended = new AbortController();
    const progress = ({ done }: { done: number }) => {
      if (done === 1) ended.abort(new Error('out of time'));
    };
    const task = compact({ at, targetBytes: size * 4.5, signal: ended.signal, progress });
    await expect(task).rejects.toThrow('out of time');
    expect((await stateOf(at)).version).toBe(9);
    expect((await readRows(at)).length).toBe(80);
  });

  it('says how far it is, from the first bin to the end', async () => {
    await appendFiles(at, 8);
    const { size } = [...(await snapshotOf(at)).files.values()][0] as Add;
    const seen: unknown[] = [];
    await compacted({ targetBytes: size * 4.5, progress: (progress) => seen.push(progress) });
    expect(seen).toEqual([0, 1, 2].map((done) => ({ step: 'compact', done, total: 2 })));
  });

  it('says in its commit which files it takes away, and that they stay readable for other versions', async () => {
    await appendFiles(at, 3);
    const byPath = (a: { path: string }, b: { path: string }) => (a.path < b.path ? -1 : 1);
    const before = [...(await snapshotOf(at)).files.values()];
    await compacted({ targetBytes: 12_345_678 });
    const { removes = [], commitInfo } = (await readCommit(at, 4)) ?? {};
    expect(removes.toSorted(byPath)).toEqual(
      before.toSorted(byPath).map(({ path, size }) => ({
        path,
        deletionTimestamp: expect.any(Number),
        dataChange: false,
        extendedFileMetadata: true,
        partitionValues: {},
        size,
      })),
    );
    expect(
      removes.every(({ deletionTimestamp = 0 }) => Math.abs(Date.now() - deletionTimestamp) < 60_000),
    ).toBe(true);
    expect(commitInfo?.operationParameters).toEqual({ predicate: '[]', targetSize: '12345678' });
  });

  it('names the file and the row of a value that its column cannot hold', async () => {
    const narrow = [field('id', 'long', false), field('n', 'byte')];
    await appendFiles(at, 0, { fields: narrow });
    const values = [
      [1, 2, 3],
      [4, 5, null, 1000],
      [6, 7],
    ];
    const paths: string[] = [];
    for (const [index, some] of values.entries()) {
      // Another engine wrote the file, in which a byte takes as much room as a larger number.
      const wide = [field('id', 'long', false), field('n', 'integer')];
      const add = await writeDataFile({ at, fields: wide, columns: [some.map((_, row) => row), some] });
      const inOrder = { ...add, modificationTime: index };
      await putCommit(at, index + 1, [{ add: inOrder }], { operation: 'WRITE', isBlindAppend: true });
      paths.push(add.path);
    }
    await expect(compacted()).rejects.toMatchObject({
      code: 'parquet.value',
      message: expect.stringMatching(
        `^memory/events version 3, file ${paths[1]}: column n, row 3: 1000 is out of range`,
      ),
    });
    expect(await snapshotOf(at)).toMatchObject({ version: 3, files: { size: 3 } });
  });

  /** Nine files with a row each, and a size that puts three of them into each of three bins. */
  async function appendBins() {
    await appendFiles(at, 9, { rows: 1, first: 5 });
    // One after the other by their times, too.
    const adds = [...(await snapshotOf(at)).files.values()].map((add, n) => ({
      ...add,
      modificationTime: n,
    }));
    const restated = adds.map((add) => ({ add: { ...add, dataChange: false } }));
    await putCommit(at, 10, restated, { operation: 'RESTATE', isBlindAppend: false });
    return { adds, targetBytes: (adds[0]?.size ?? 0) * 3.5 };
  }

  it('leaves out the bin of a file that is gone, and names it at the end', async () => {
    const { adds, targetBytes } = await appendBins();
    const gone = adds[1]?.path;
    await at.store.delete(`events/${gone}`);
    await expect(compacted({ targetBytes })).rejects.toMatchObject({
      code: 'parquet.invalid',
      message: `memory/events version 10, file ${gone} is gone.`,
    });
    expect(await snapshotOf(at)).toMatchObject({ version: 12, files: { size: 5 } });
  });

  it('throws the error of the storage, and not the missing file, if storage fails at a later bin', async () => {
    const { adds, targetBytes } = await appendBins();
    await at.store.delete(`events/${adds[1]?.path}`);
    const away = new TributaryError('storage.unavailable', 'The lake is away.');
    at.store.put = async () => {
      throw away;
    };
    await expect(compacted({ targetBytes })).rejects.toBe(away);
  });

  it('names a file that is gone also when its time ends before the last bin', async () => {
    const { adds, targetBytes } = await appendBins();
    await at.store.delete(`events/${adds[1]?.path}`);
    const ended = new AbortController();
    const progress = ({ done }: { done: number }) => {
      if (done === 1) ended.abort(new Error('out of time'));
    };
    await expect(compacted({ targetBytes, signal: ended.signal, progress })).rejects.toThrow('is gone.');
    expect((await stateOf(at)).version).toBe(10);
  });

  it('leaves out the bin of a file that lacks a column which may not be null, and names the file at the end', async () => {
    const { adds, targetBytes } = await appendBins();
    const { metaData } = await snapshotOf(at);
    // The third file has a row without a name, and so no such column.
    const strict = serializeSchema(fields.map((column) => ({ ...column, nullable: false })));
    await putCommit(at, 11, [{ metaData: { ...metaData, schemaString: strict } }], {
      operation: 'CHANGE COLUMN',
      isBlindAppend: false,
    });
    await expect(compacted({ targetBytes })).rejects.toMatchObject({
      code: 'parquet.invalid',
      message: expect.stringMatching(`^memory/events version 11, file ${adds[2]?.path}: .*\\bname\\b`),
    });
    expect(await snapshotOf(at)).toMatchObject({ version: 13, files: { size: 5 } });
  });

  it('names a file that another writer filled with something else', async () => {
    await appendFiles(at, 3);
    const [, second] = [...(await snapshotOf(at)).files.values()];
    const other = newLocation();
    await appendFiles(other, 1, { fields: [field('id', 'double', false)] });
    const [foreign] = [...(await snapshotOf(other)).files.values()];
    const bytes = (await other.store.get(`events/${foreign?.path}`))?.bytes ?? new Uint8Array();
    await at.store.put(`events/${second?.path}`, bytes);
    await putCommit(at, 4, [{ add: { ...(second as Add), size: bytes.length } }], {
      operation: 'WRITE',
      isBlindAppend: false,
    });
    await expect(compacted()).rejects.toThrow(
      `memory/events version 4, file ${second?.path}: the file has another schema: column id is DOUBLE there, long in the table.`,
    );
  });
});

it('a compaction writes each new file once, and puts none back after a rival won', async () => {
  const store = new Interposed();
  at = { store, table: 'events' };
  await appendFiles(at, 8);
  const written: string[] = [];
  const { put } = store;
  store.put = (path, bytes) => {
    written.push(path);
    return put.call(store, path, bytes);
  };
  const old = new Set(await pathsOf(at));
  const added = async () => (await pathsOf(at)).filter((path) => path.endsWith('.parquet') && !old.has(path));
  store.beforeCommit = async () => {
    const [path = ''] = (await snapshotOf(at)).files.keys();
    const remove = { path, dataChange: true, deletionTimestamp: Date.now() };
    const { version } = await stateOf(at);
    await putCommit(at, version + 1, [{ remove }], { operation: 'DELETE', isBlindAppend: false });
    // As where storage goes back in time meanwhile.
    for (const lost of await added()) await store.delete(lost);
  };
  expect((await compacted()).bins).toMatchObject([{ outcome: 'conflict' }]);
  expect(await added()).toEqual([]);
  written.length = 0;
  expect((await compacted()).bins).toMatchObject([{ outcome: 'committed' }]);
  expect(await added()).toHaveLength(1);
  expect(written).toEqual(await added());
});

it('a compaction of large files reads them one row group at a time, and keeps their rows and their order', async () => {
  await appendFiles(at, 1, { rows: 1, first: -1 });
  const rowsOfFile = 40_000;
  for (let file = 0; file < 3; file++) {
    const ids = Array.from({ length: rowsOfFile }, (_, row) => file * rowsOfFile + row);
    const add = await writeDataFile({
      at,
      fields,
      columns: [ids, ids.map(() => randomBytes(16).toString('hex'))],
    });
    expect(add.size).toBeGreaterThan(1024 * 1024);
    await append({ state: await stateOf(at), fields, adds: [add], txns: [] });
  }
  const before = await readRows(at);
  expect((await compacted({ targetBytes: 1e9 })).bins).toMatchObject([{ outcome: 'committed', inputs: 4 }]);
  expect(await readRows(at)).toEqual(before);
  // Rows are encoded once there are 65,536 of them.
  expect(await rowGroupsOfFile()).toEqual([65_536, 14_465, 40_000]);
});

it.each(['string', 'binary'] as const)(
  'a compaction encodes long values of type %s once there are 32 MiB of them',
  async (type) => {
    const columns = [field('id', 'long', false), field('value', type)];
    const length = 1024 * 1024;
    await createTable(at, columns, {});
    for (let file = 0; file < 3; file++) {
      const ids = Array.from({ length: 17 }, (_, row) => file * 17 + row);
      const values = ids.map((id) =>
        type === 'string' ? String(id).padEnd(length) : new Uint8Array(length).fill(id),
      );
      const add = await writeDataFile({ at, fields: columns, columns: [ids, values] });
      await append({ state: await stateOf(at), fields: columns, adds: [add], txns: [] });
    }
    expect((await compacted()).bins).toMatchObject([{ outcome: 'committed', inputs: 3 }]);
    // Two files have 34 MiB. The last one comes on its own, and not into the rest of theirs.
    expect(await rowGroupsOfFile()).toEqual([31, 3, 17]);
  },
);

describe('a compaction during which storage goes back in time', () => {
  it.each([
    ['the new file', async (store: MemoryStore, path: string) => void (await store.delete(path))],
    ['the newest commit', async (store: MemoryStore) => void (await store.delete(commitPath('events', 8)))],
  ])('commits nothing if %s is lost', async (_what, lose) => {
    const store = new MemoryStore();
    at = { store, table: 'events' };
    await appendFiles(at, 8);
    const before = await readRows(at, 7);
    const { put } = store;
    store.put = async (path, bytes) => {
      const outcome = await put.call(store, path, bytes);
      await lose(store, path);
      return outcome;
    };
    expect((await compacted()).bins).toMatchObject([{ outcome: 'conflict' }]);
    expect(await store.get(commitPath('events', 9))).toBeUndefined();
    expect(await readRows(at, 7)).toEqual(before);
  });

  it('ends if the table is gone', async () => {
    await appendFiles(at, 8);
    const paths = await pathsOf(at);
    const progress = () => void paths.map((path) => at.store.delete(path));
    expect(await compact({ at, progress })).toEqual({ outcome: 'no-table' });
    expect(await pathsOf(at)).toEqual([]);
  });
});

describe('a plan of bins', () => {
  const add = (size: number, modificationTime: number): Add => ({
    path: `${modificationTime}-${size}`,
    partitionValues: {},
    size,
    modificationTime,
    dataChange: true,
  });
  const sizes = (bins: Add[][]) => bins.map((bin) => bin.map(({ size }) => size));

  it('keeps the order of writing and leaves large files alone', () => {
    const files = [add(30, 3), add(60, 1), add(35, 2), add(25, 4), add(45, 5), add(10, 6), add(40, 7)];
    expect(sizes(planBins(files, 100))).toEqual([
      [35, 30, 25],
      [45, 10, 40],
    ]);
  });

  it('takes files under half the target, and has no bin of a single one', () => {
    expect(sizes(planBins([add(49, 1), add(50, 2), add(49, 3)], 100))).toEqual([[49, 49]]);
    expect(planBins([add(49, 1), add(51, 2)], 100)).toEqual([]);
    // One that fills a bin exactly begins no other.
    expect(sizes(planBins([add(40, 1), add(40, 2), add(20, 3), add(20, 4)], 100))).toEqual([[40, 40, 20]]);
    // What is left beside a heavy file is no bin if it is one file.
    expect(planBins([add(40, 1), add(3, 2)], 100)).toEqual([]);
  });

  it('has at most 2,000 files in a bin', () => {
    const files = Array.from({ length: 4001 }, (_, index) => add(1, index));
    expect(planBins(files, 100_000).map(({ length }) => length)).toEqual([2000, 2000]);
    expect(planBins([...files, add(1, 5000)], 100_000).map(({ length }) => length)).toEqual([2000, 2000, 2]);
  });

  it('is the same for files of one moment in any order', () => {
    const files = [add(30, 1), add(31, 1), add(32, 1), add(33, 1)];
    const paths = (plan: Add[][]) => plan.map((bin) => bin.map(({ path }) => path));
    expect(paths(planBins(files, 100))).toEqual([['1-30', '1-31', '1-32']]);
    expect(paths(planBins(files.toReversed(), 100))).toEqual([['1-30', '1-31', '1-32']]);
  });

  it('does not rewrite a file that outweighs all that came since', () => {
    expect(planBins([add(40, 1), add(3, 2), add(2, 3)], 100)).toEqual([]);
    expect(sizes(planBins([add(40, 1), add(3, 2), add(3, 3)], 100))).toEqual([[3, 3]]);
    expect(sizes(planBins([add(40, 1), add(20, 2), add(20, 3)], 100))).toEqual([[40, 20, 20]]);
    // Whenever it was written.
    expect(planBins([add(3, 1), add(40, 2)], 100)).toEqual([]);
    expect(sizes(planBins([add(3, 1), add(2, 2), add(40, 3)], 100))).toEqual(
      sizes(planBins([add(40, 1), add(3, 2), add(2, 3)], 100)),
    );
    expect(sizes(planBins([add(3, 1), add(40, 2), add(3, 3)], 100))).toEqual([[3, 3]]);
  });

  it('keeps all rows where storage goes back during the commit and loses the new file', async () => {
    const store = new MemoryStore();
    at = { store, table: 'events' };
    await appendFiles(at, 8);
    const rows = await readRows(at);
    const { putIfAbsent } = store;
    store.putIfAbsent = async (path, bytes) => {
      const before = new Set((await snapshotOf(at)).files.keys());
      for (const file of await pathsOf(at))
        if (/part-[^/]*parquet$/.test(file) && !before.has(file.slice('events/'.length)))
          await store.delete(file);
      return putIfAbsent.call(store, path, bytes);
    };
    await compact({ at });
    expect((await snapshotOf(at)).files.size).toBe(1);
    expect(await readRows(at)).toEqual(rows);
  });
});
