import { beforeEach, describe, expect, it } from 'vitest';
import type { Add } from '../../../src/lib/delta/actions';
import { append, createTable, putCommit } from '../../../src/lib/delta/commit';
import { followState } from '../../../src/lib/delta/follow';
import {
  checkpointPath,
  commitPath,
  lastCheckpointPath,
  logPrefix,
  type TableLocation,
} from '../../../src/lib/delta/log';
import { openSnapshot, openState } from '../../../src/lib/delta/openTable';
import { encodeCheckpointRows } from '../../../src/lib/delta/parquet/encodeCheckpoint';
import { positionOfState } from '../../../src/lib/delta/position';
import { readCommitsAfter } from '../../../src/lib/delta/readCommits';
import { readDataFile } from '../../../src/lib/delta/readDataFile';
import { field } from '../../../src/lib/delta/schema';
import { writeDataFile } from '../../../src/lib/delta/writeDataFile';
import { TributaryError } from '../../../src/lib/errors';
import { checkpoint } from '../../../src/lib/maintenance/checkpoint';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import type { ObjectInfo } from '../../../src/lib/storage/objectStore';
import { deletionVectorsProtocol } from '../../kit/deletionVector';
import { appendFiles as appendFilesTo, newLocation } from '../maintenance/table';

const fields = [field('id', 'long', false), field('name', 'string')];

let at: TableLocation;
beforeEach(() => {
  at = { store: new MemoryStore(), table: 'events' };
});

async function appendFiles(count: number) {
  if (!(await openState(at))) await createTable(at, fields);
  let state = await openState(at);
  for (let n = 0; n < count && state; n++) {
    const id = state.version + 1;
    const adds = [await writeDataFile({ at, fields, columns: [[id], [`name ${id}`]] })];
    ({ state } = await append({ state, fields, adds, txns: [{ appId: 'p0', version: id }] }));
  }
}

async function snapshotOf(version?: number) {
  const snapshot = await openSnapshot(at, version === undefined ? {} : { version });
  if (!snapshot) throw new Error('no table');
  return snapshot;
}

const sorted = (files: ReadonlyMap<string, Add>) => [...files.keys()].sort();

/** Cuts an object short. */
async function truncate(path: string, bytes: number) {
  const found = await at.store.get(path);
  if (!found) throw new Error(`there is no ${path}`);
  await at.store.put(path, found.bytes.subarray(0, bytes));
}

/** Splits the newest version's checkpoint into parts, as Spark does with large tables. */
async function putParts(parts: number) {
  const snapshot = await snapshotOf();
  const { version, protocol, metaData, txns, files } = snapshot;
  const rows = [
    { protocol },
    { metaData },
    ...[...txns.values()].map((txn) => ({ txn })),
    ...[...files.values()].map((add) => ({ add })),
  ];
  const number = (n: number, digits: number) => String(n).padStart(digits, '0');
  for (let part = 0; part < parts; part++) {
    const own = rows.filter((_, row) => row % parts === part);
    const name = `${number(version, 20)}.checkpoint.${number(part + 1, 10)}.${number(parts, 10)}.parquet`;
    await at.store.put(`${logPrefix('events')}${name}`, encodeCheckpointRows(own).bytes);
  }
  return { version, size: rows.length, parts };
}

describe('opening from a checkpoint', () => {
  it('says when the version was committed, with and without newer commits', async () => {
    await appendFiles(3);
    const { committedAt } = await snapshotOf();
    await checkpoint({ at });
    expect(committedAt).toBeGreaterThan(1e12);
    expect((await snapshotOf()).committedAt).toBe(committedAt);
    for (const version of [0, 1, 2, 3]) await at.store.delete(commitPath('events', version));
    expect((await snapshotOf()).committedAt).toBeUndefined();
    await appendFiles(1);
    expect((await snapshotOf()).committedAt).toBeGreaterThanOrEqual(committedAt ?? 0);
  });

  it('takes one of many parts, with a pointer and without', async () => {
    await appendFiles(6);
    const before = await snapshotOf();
    const hint = await putParts(3);
    for (let version = 0; version <= 5; version++) await at.store.delete(commitPath('events', version));
    const listed = await snapshotOf();
    await at.store.put(lastCheckpointPath('events'), Buffer.from(JSON.stringify(hint)));
    const hinted = await snapshotOf();
    for (const { version, files, txns } of [listed, hinted])
      expect([version, sorted(files), txns.get('p0')?.version]).toEqual([6, sorted(before.files), 6]);
  });

  it('takes one of parts that hold nothing', async () => {
    await appendFiles(2);
    const before = await snapshotOf();
    await putParts(9);
    for (let version = 0; version <= 1; version++) await at.store.delete(commitPath('events', version));
    expect(sorted((await snapshotOf()).files)).toEqual(sorted(before.files));
  });

  it.each(['parquet', 'json'])('refuses one with a UUID in %s by the name of its feature', async (format) => {
    await appendFiles(4);
    const name = `00000000000000000002.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.${format}`;
    await at.store.put(`${logPrefix('events')}${name}`, new Uint8Array(1));
    await at.store.put(lastCheckpointPath('events'), Buffer.from('{"version":2,"size":5}'));
    expect((await snapshotOf()).version).toBe(4);
    const refusal = {
      code: 'delta.unsupported',
      message:
        'memory/events version 2: the log begins with a checkpoint of the table feature v2Checkpoint, which is not implemented. ' +
        'Turn it off: ALTER TABLE <table> DROP FEATURE v2Checkpoint.',
    };
    for (const version of [0, 1]) await at.store.delete(commitPath('events', version));
    await expect(openSnapshot(at)).rejects.toMatchObject(refusal);
    await expect(openSnapshot(at, { version: 1 })).rejects.toThrow('version 1 is not in the log (any more).');
    // Without a log entry it is still a table, and none may be made in its place.
    for (const version of [2, 3, 4]) await at.store.delete(commitPath('events', version));
    await expect(openSnapshot(at)).rejects.toMatchObject(refusal);
  });

  it('does not take one that lacks a part', async () => {
    await appendFiles(4);
    const before = await snapshotOf();
    const hint = await putParts(3);
    await at.store.put(lastCheckpointPath('events'), Buffer.from(JSON.stringify(hint)));
    await at.store.delete(
      `${logPrefix('events')}00000000000000000004.checkpoint.0000000002.0000000003.parquet`,
    );
    expect(sorted((await snapshotOf()).files)).toEqual(sorted(before.files));
    for (let version = 0; version <= 4; version++) await at.store.delete(commitPath('events', version));
    await expect(openSnapshot(at)).rejects.toThrow('memory/events version 0 is not in the log (any more).');
  });
});

describe('a pointer to the last checkpoint', () => {
  it.each([
    ['no JSON', '{"version":'],
    ['no object', '7'],
    ['a version that is none', '{"version":-3}'],
    ['parts that are none', '{"version":2,"parts":1e300}'],
    ['too many parts', '{"version":2,"parts":9000000000}'],
    ['a checkpoint that never was', '{"version":99}'],
    ['a text where a number should be', '{"version":"2"}'],
  ])('is a hint alone: %s', async (_what, text) => {
    await appendFiles(2);
    await checkpoint({ at });
    await appendFiles(2);
    await at.store.put(lastCheckpointPath('events'), Buffer.from(text));
    const { version, files } = await snapshotOf();
    expect([version, files.size]).toEqual([4, 4]);
  });
});

it('opening starts again if the log gets its first pointer and is cleaned meanwhile', async () => {
  await appendFiles(6);
  const cleaned = { ...at, store: new MemoryStore() };
  let isCleaned = false;
  for await (const { path } of at.store.list(''))
    await cleaned.store.put(path, (await at.store.get(path))?.bytes ?? new Uint8Array());
  const list = cleaned.store.list.bind(cleaned.store);
  cleaned.store.list = async function* (prefix) {
    // The pointer was missing. The files that are listed now are deleted before they are read.
    const found: ObjectInfo[] = [];
    for await (const object of list(prefix)) found.push(object);
    if (!isCleaned) {
      isCleaned = true;
      await checkpoint({ at: cleaned });
      for (let version = 0; version < 6; version++) await cleaned.store.delete(commitPath('events', version));
    }
    yield* found;
  };
  expect(await openSnapshot(cleaned)).toMatchObject({ version: 6, files: { size: 6 } });
  expect(isCleaned).toBe(true);
});

it('opening reads nothing again if the pointer moves meanwhile to a version that it has read', async () => {
  await appendFiles(3);
  await checkpoint({ at });
  const pointer = (await at.store.get(lastCheckpointPath('events')))?.bytes ?? new Uint8Array();
  await at.store.delete(lastCheckpointPath('events'));
  const { store } = at;
  const { get, getRange } = store;
  let asked = 0;
  let opened = 0;
  store.get = async (path) => {
    if (path === lastCheckpointPath('events') && ++asked === 2) await store.put(path, pointer);
    return get.call(store, path);
  };
  store.getRange = async (path, start, length) => {
    if (path === checkpointPath('events', 3) && start === 0) opened++;
    return getRange.call(store, path, start, length);
  };
  expect(await openState(at)).toMatchObject({ version: 3 });
  expect([asked, opened]).toEqual([2, 1]);
});

it('opening does not list the whole log where a commit comes after it was read, and before the look above it', async () => {
  await appendFiles(2);
  await checkpoint({ at });
  const { store } = at;
  const list = store.list.bind(store);
  const listed: string[] = [];
  store.list = async function* (prefix, ...rest) {
    if (listed.push(prefix) === 1) await putCommit(at, 3, [], { operation: 'WRITE', isBlindAppend: true });
    yield* list(prefix, ...rest);
  };
  expect(await openState(at)).toMatchObject({ version: 3 });
  expect(listed).not.toEqual([]);
  expect(listed).not.toContain(logPrefix('events'));
});

it('opening is given up, and names the next version, while the pointer runs ahead of the log again and again', async () => {
  await appendFiles(3);
  const { store } = at;
  const { get } = store;
  let version = 10;
  store.get = async (path) => {
    if (path !== lastCheckpointPath('events')) return get.call(store, path);
    await store.put(path, Buffer.from(JSON.stringify({ version: version++, size: 1 })));
    return get.call(store, path);
  };
  await expect(openState(at)).rejects.toMatchObject({
    code: 'delta.invalid',
    message: 'memory/events version 4 is not in the log (any more).',
  });
});

describe('a truncated checkpoint', () => {
  beforeEach(async () => {
    await appendFiles(2);
    await checkpoint({ at });
    await appendFiles(2);
    await checkpoint({ at });
    await appendFiles(1);
    await truncate(checkpointPath('events', 4), 500);
  });

  it('is done without as long as an older one and the commits since are there', async () => {
    const { version, files } = await snapshotOf();
    expect([version, files.size]).toEqual([5, 5]);
    for (const gone of [0, 1]) await at.store.delete(commitPath('events', gone));
    expect((await snapshotOf()).files.size).toBe(5);
    await truncate(checkpointPath('events', 2), 100);
    await expect(openSnapshot(at)).rejects.toMatchObject({
      code: 'parquet.invalid',
      message: expect.stringContaining(
        'memory/events version 4, checkpoint events/_delta_log/00000000000000000004.checkpoint.parquet',
      ),
    });
  });

  it('is named when a commit after the older one is missing too', async () => {
    await at.store.delete(commitPath('events', 3));
    await expect(openSnapshot(at)).rejects.toThrow(
      'memory/events version 4, checkpoint events/_delta_log/00000000000000000004.checkpoint.parquet',
    );
    await expect(openState(at)).rejects.toMatchObject({ code: 'parquet.invalid' });
  });
});

it('an older version is opened however often the pointer to the checkpoint moves on meanwhile', async () => {
  await appendFiles(5);
  const { get } = at.store;
  let pointed = 10;
  at.store.get = async (path) => {
    if (path !== lastCheckpointPath(at.table)) return get.call(at.store, path);
    const hint = Buffer.from(JSON.stringify({ version: pointed++, size: 1 }));
    return { bytes: hint, etag: `${pointed}`, lastModified: new Date() };
  };
  expect((await snapshotOf(3)).version).toBe(3);
});

it('a table is there that was made, and got a checkpoint, while its log was read', async () => {
  const isEmpty = { ...at, store: new MemoryStore() };
  await appendFiles(0);
  await checkpoint({ at });
  const { get } = isEmpty.store;
  let hasAsked = false;
  // The first two questions are answered before the table is made.
  isEmpty.store.get = async (path) => {
    if (hasAsked) return at.store.get(path);
    hasAsked = path !== lastCheckpointPath(at.table);
    return get.call(isEmpty.store, path);
  };
  isEmpty.store.list = async function* (prefix) {
    if (hasAsked) yield* at.store.list(prefix);
    hasAsked = true;
  };
  expect(await openState(isEmpty)).toMatchObject({ version: 0 });
});

it('a table that needs what no reader here has is not opened, and not followed', async () => {
  await appendFiles(2);
  const follower = followState(at);
  await follower.toHead();
  await putCommit(at, 3, [{ protocol: deletionVectorsProtocol }], {
    operation: 'UPGRADE PROTOCOL',
    isBlindAppend: false,
  });
  const refusal = {
    code: 'delta.unsupported',
    message: expect.stringContaining('version 3: reading needs the table feature deletionVectors'),
  };
  await expect(openState(at)).rejects.toMatchObject(refusal);
  await expect(openSnapshot(at)).rejects.toMatchObject(refusal);
  await expect(follower.advance()).rejects.toMatchObject(refusal);
});

describe('a feature that was turned on and off again', () => {
  const features = ['deletionVectors'];
  const on = { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: features, writerFeatures: features };
  const off = { minReaderVersion: 1, minWriterVersion: 2 };
  const upgrade = { operation: 'UPGRADE PROTOCOL', isBlindAppend: false };
  const deletionVector = { storageType: 'u', pathOrInlineDv: 'ab^-aqEH.-t@S}K{vb[*k^', sizeInBytes: 36 };

  /** Versions 3 to 5: on, a row of the first file deleted by a vector, the file written anew and the feature off. */
  async function turnOnAndOff() {
    await appendFiles(2);
    const [[path, add] = []] = (await snapshotOf(1)).files;
    if (path === undefined || !add) throw new Error('no file');
    const removed = { path, deletionTimestamp: Date.now(), dataChange: true };
    await putCommit(at, 3, [{ protocol: on }], upgrade);
    await putCommit(at, 4, [{ remove: removed }, { add: { ...add, deletionVector } }], {
      operation: 'DELETE',
      isBlindAppend: false,
    });
    const purged = await writeDataFile({ at, fields, columns: [[100], ['purged']] });
    await putCommit(
      at,
      5,
      [{ protocol: off }, { remove: { ...removed, deletionVector } }, { add: purged }],
      upgrade,
    );
    return { purged: purged.path, deletedFrom: path };
  }

  it('leaves a table that is read and takes appends, though not at the versions in between', async () => {
    const { purged, deletedFrom } = await turnOnAndOff();
    await appendFiles(1);
    const { version, files } = await snapshotOf();
    expect([version, files.size, files.has(purged)]).toEqual([6, 3, true]);
    expect([...files.values()].some(({ path }) => path === deletedFrom)).toBe(false);
    for (const between of [3, 4])
      await expect(openSnapshot(at, { version: between })).rejects.toMatchObject({
        code: 'delta.unsupported',
        message: expect.stringContaining(
          `version ${between}: reading needs the table feature deletionVectors`,
        ),
      });
  });

  it('is judged after the newest checkpoint, which may be of the time when it was on', async () => {
    await turnOnAndOff();
    const { metaData, txns } = await snapshotOf();
    const rows = [{ protocol: on }, { metaData }, ...[...txns.values()].map((txn) => ({ txn }))];
    await at.store.put(checkpointPath('events', 3), encodeCheckpointRows(rows).bytes);
    await at.store.put(lastCheckpointPath('events'), Buffer.from(JSON.stringify({ version: 3, size: 3 })));
    for (const version of [0, 1, 2]) await at.store.delete(commitPath('events', version));
    await appendFiles(1);
    expect((await openState(at))?.version).toBe(6);
    await at.store.delete(lastCheckpointPath('events'));
    expect((await openState(at))?.version).toBe(6);
  });

  it('is passed by who follows the table, wherever the newest checkpoint is', async () => {
    await appendFiles(0);
    const before = await openState(at);
    if (!before) throw new Error('no table');
    await turnOnAndOff();
    const [follower, returning] = [followState(at), followState(at)];
    follower.standAt(before);
    expect(await follower.advance()).toMatchObject({ step: 'commits', state: { version: 5 } });
    const rows = [{ protocol: on }, { metaData: before.metaData }];
    await at.store.put(checkpointPath('events', 4), encodeCheckpointRows(rows).bytes);
    await at.store.put(lastCheckpointPath('events'), Buffer.from(JSON.stringify({ version: 4, size: 2 })));
    returning.seek(positionOfState(before));
    expect(await returning.advance()).toMatchObject({ step: 'commits', state: { version: 5 } });
  });

  it('is passed also where it was on for more commits than are read at once', async () => {
    await appendFiles(0);
    const follower = followState(at);
    await follower.toHead();
    const txn = (version: number) => ({ txn: { appId: 'theirs', version } });
    await putCommit(at, 1, [{ protocol: on }], upgrade);
    for (let version = 2; version <= 512; version++) await putCommit(at, version, [txn(version)], upgrade);
    // As many as are read at once, and none after them.
    await expect(follower.advance()).rejects.toMatchObject({ code: 'delta.unsupported' });
    for (let version = 513; version < 1030; version++) await putCommit(at, version, [txn(version)], upgrade);
    await expect(follower.advance()).rejects.toMatchObject({ code: 'delta.unsupported' });
    await putCommit(at, 1030, [{ protocol: off }], upgrade);
    expect((await follower.toHead())?.version).toBe(1030);
  });
});

describe('a damaged log', () => {
  it('with a version missing after the checkpoint is an error, not an older version', async () => {
    await appendFiles(2);
    await checkpoint({ at });
    await appendFiles(3);
    await at.store.delete(commitPath('events', 3));
    await expect(openSnapshot(at)).rejects.toMatchObject({
      code: 'delta.hole',
      message: expect.stringContaining(
        'memory/events version 3 is missing from the log, and versions 4 to 5 are above it.',
      ),
    });
  });

  it('with a version missing names all versions above it, also those that are not read at once', async () => {
    await appendFiles(12);
    await at.store.delete(commitPath('events', 2));
    await expect(readCommitsAfter(at, 0)).rejects.toMatchObject({
      code: 'delta.hole',
      message: expect.stringContaining(
        'version 2 is missing from the log, and versions 3 to 12 are above it.',
      ),
    });
  });

  it.each([
    ['{"add":{"path":"x"', 'line 1: not JSON.'],
    ['{"protocol":{"minReaderVersion":"1"}}', 'line 1: protocol.minReaderVersion is not a number.'],
    ['{"commitInfo":{}}\n"text"', 'line 2: not a JSON object.'],
    ['{"txn":{"appId":"p0","version":1.5}}', 'line 1: txn.version is not an integer below 2^53.'],
  ])('with the commit %s names table, version and line', async (text, problem) => {
    await appendFiles(2);
    await at.store.put(commitPath('events', 3), Buffer.from(text));
    await expect(openSnapshot(at)).rejects.toMatchObject({
      code: 'delta.invalid',
      message: `memory/events version 3, ${problem}`,
    });
  });

  it('of a checkpoint whose protocol is missing is not opened', async () => {
    await appendFiles(1);
    const { bytes } = encodeCheckpointRows([{ txn: { appId: 'p0', version: 1 } }]);
    await at.store.put(checkpointPath('events', 1), bytes);
    for (const version of [0, 1]) await at.store.delete(commitPath('events', version));
    await expect(openSnapshot(at)).rejects.toThrow(
      'memory/events version 1: the log holds no protocol action.',
    );
  });
});

describe('a data file', () => {
  async function readFirst(change: (add: Add) => Partial<Add>) {
    await appendFiles(1);
    const [add] = (await snapshotOf()).files.values();
    if (!add) throw new Error('no file');
    await putCommit(at, 2, [{ add: { ...add, ...change(add) } }], {
      operation: 'WRITE',
      isBlindAppend: true,
    });
    const snapshot = await snapshotOf();
    const last = [...snapshot.files.values()].at(-1) ?? add;
    return { last, reading: readDataFile(snapshot, last, ['id', 'name']) };
  }

  it('that is shorter than its size is named with table and version', async () => {
    const { last, reading } = await readFirst(({ size }) => ({ size: size + 1 }));
    await expect(reading).rejects.toMatchObject({
      code: 'parquet.invalid',
      message: `memory/events version 2, file ${last.path} has ${last.size - 1} bytes; the log says ${last.size}.`,
    });
  });

  it('that is gone is named', async () => {
    const { reading } = await readFirst(() => ({ path: 'gone.parquet' }));
    await expect(reading).rejects.toThrow('memory/events version 2, file gone.parquet is gone.');
  });

  it.each([
    '../other/x.parquet',
    'a/../../x.parquet',
    '%2e%2e/x.parquet',
    '/x.parquet',
    'abfss://x@y/z.parquet',
  ])('outside the table is not read: %s', async (path) => {
    const { reading } = await readFirst(() => ({ path }));
    await expect(reading).rejects.toThrow(`memory/events version 2: the data file ${path} `);
  });

  it('may have a colon in its name, which is encoded', async () => {
    const { reading } = await readFirst(() => ({ path: 'x%3Ay.parquet' }));
    await expect(reading).rejects.toThrow('memory/events version 2, file x%3Ay.parquet is gone.');
  });

  it('of another schema is named, never read as if it were the table’s', async () => {
    await appendFiles(1);
    const other = [field('id', 'long', false), field('name', 'binary')];
    const add = await writeDataFile({ at, fields: other, columns: [[1], [Buffer.from('x')]] });
    await putCommit(at, 2, [{ add }], { operation: 'WRITE', isBlindAppend: true });
    await expect(readDataFile(await snapshotOf(), add, ['name'])).rejects.toMatchObject({
      code: 'parquet.invalid',
      message: `memory/events version 2, file ${add.path}: the file has another schema: column name is BYTE_ARRAY there, string in the table.`,
    });
    // Columns that are not read do not matter.
    expect((await readDataFile(await snapshotOf(), add, ['id'])).columns.get('id')).toEqual([1]);
    const lacking = await writeDataFile({ at, fields: [field('name', 'string')], columns: [['x']] });
    await expect(readDataFile(await snapshotOf(), lacking, ['id', 'name'])).rejects.toThrow(
      `file ${lacking.path}: the file has another schema: column id is not there, but takes no nulls.`,
    );
  });
});

describe('a partitioned table', () => {
  it('is read with the values that the log has for a file', async () => {
    await createTable(at, fields);
    const { metaData } = await snapshotOf();
    const partitions = [
      field('day', 'date'),
      field('hour', 'timestamp'),
      field('shop', 'string'),
      field('number', 'long'),
      field('price', 'decimal(5,2)'),
      field('open', 'boolean'),
      field('rate', 'double'),
    ];
    const partitioned = {
      ...metaData,
      partitionColumns: partitions.map(({ name }) => name),
      schemaString: JSON.stringify({ type: 'struct', fields: [...fields, ...partitions] }),
    };
    const values = {
      day: '1969-12-31',
      hour: '2024-01-31 12:00:00.5',
      shop: '',
      number: '9007199254740993',
      price: '12.30',
      open: 'true',
      rate: 'NaN',
    };
    const add = {
      ...(await writeDataFile({
        at,
        fields,
        columns: [
          [1, 2],
          ['a', 'b'],
        ],
      })),
      partitionValues: values,
    };
    await putCommit(at, 1, [{ metaData: partitioned }, { add }], {
      operation: 'WRITE',
      isBlindAppend: false,
    });
    const names = [...fields, ...partitions].map(({ name }) => name);
    const { numRecords, columns } = await readDataFile(await snapshotOf(), add, names);
    expect([numRecords, names.map((name) => columns.get(name)?.[1])]).toEqual([
      2,
      [
        2,
        'b',
        -1,
        Date.UTC(2024, 0, 31, 12) * 1000 + 500_000,
        null,
        9007199254740993n,
        '12.30',
        true,
        Number.NaN,
      ],
    ]);
    const wrong = { ...add, partitionValues: { ...values, day: 'yesterday' } };
    await expect(readDataFile(await snapshotOf(), wrong, names)).rejects.toThrow(
      `memory/events version 1, file ${add.path}: the partition value "yesterday" of column day is no date.`,
    );
  });
});

it.each([4, 5, 6, 9])('version %d is opened among checkpoints of versions 5 and 8', async (version) => {
  const log = newLocation();
  for (const [first, count] of [
    [0, 5],
    [50, 3],
    [80, 2],
  ] as const) {
    await appendFilesTo(log, count, { first });
    if (first < 80) await checkpoint({ at: log });
  }
  const snapshot = await openSnapshot(log, { version });
  expect([snapshot?.version, snapshot?.files.size]).toEqual([version, version]);
  expect((await openState(log, { version }))?.version).toBe(version);
  if (version !== 5) return;
  // The version of a checkpoint is opened by it alone.
  for (let each = 0; each < 5; each++) await log.store.delete(commitPath(log.table, each));
  expect((await openSnapshot(log, { version }))?.files.size).toBe(5);
});

it('a log whose entry goes while it is opened from the checkpoint of that version is to be read again', async () => {
  await appendFiles(3);
  await checkpoint({ at });
  await at.store.delete(lastCheckpointPath('events'));
  const { get } = at.store;
  at.store.get = async (path) => (path === commitPath('events', 3) ? undefined : get.call(at.store, path));
  await expect(openState(at)).rejects.toMatchObject({
    code: 'delta.contention',
    message: 'memory/events version 3: the log changes while it is opened: read it again.',
  });
});

describe('a checkpoint whose commit storage has lost', () => {
  /** Versions 0 to 6 with a checkpoint of 3. Its entry, and those above, are other commits than when it was written. */
  async function loseCheckpoint() {
    await appendFiles(3);
    await checkpoint({ at });
    const lost = [checkpointPath('events', 3), lastCheckpointPath('events')];
    const bytes = await Promise.all(lost.map((path) => at.store.get(path)));
    for (const path of [...lost, commitPath('events', 2), commitPath('events', 3)])
      await at.store.delete(path);
    await appendFiles(5);
    for (const [index, path] of lost.entries())
      await at.store.put(path, bytes[index]?.bytes ?? new Uint8Array());
  }

  it.each([true, false])('is passed over (with a pointer to it: %s)', async (isNamed) => {
    await loseCheckpoint();
    const files = [...(await snapshotOf(6)).files.keys()];
    if (!isNamed) await at.store.delete(lastCheckpointPath('events'));
    expect([...(await snapshotOf()).files.keys()]).toEqual(files);
    expect(files).toHaveLength(6);
    for (const path of files) expect(await at.store.get(`events/${path}`)).toBeDefined();
  });

  it('is no version that can be asked for, if the log now ends below it', async () => {
    await appendFiles(3);
    await checkpoint({ at });
    for (const version of [2, 3]) await at.store.delete(commitPath('events', version));
    for (const open of [openSnapshot, openState])
      await expect(open(at, { version: 3 })).rejects.toMatchObject({
        code: 'delta.invalid',
        message: 'memory/events version 3 is not in the log (any more).',
      });
    expect((await openState(at, { version: 1 }))?.version).toBe(1);
  });

  it('is a hole if the beginning of the log is gone too', async () => {
    await loseCheckpoint();
    for (const version of [0, 1]) await at.store.delete(commitPath('events', version));
    await expect(openState(at)).rejects.toMatchObject({ code: 'delta.hole' });
  });
});

it.each<[string, 'none' | 'files', string]>([
  ['rows', 'none', 'the checkpoint is empty'],
  ['protocol and metaData', 'files', 'the log holds no protocol action'],
])(
  'a checkpoint without %s is damaged, and an older one is taken if there is one',
  async (_, held, problem) => {
    await appendFiles(2);
    const adds = [...(await snapshotOf()).files.values()];
    const rows = held === 'files' ? adds.map((add) => ({ add })) : [];
    await at.store.put(checkpointPath('events', 2), encodeCheckpointRows(rows).bytes);
    await at.store.put(lastCheckpointPath('events'), Buffer.from(`{"version":2,"size":${rows.length}}`));
    expect((await snapshotOf()).files.size).toBe(2);
    await at.store.delete(commitPath('events', 0));
    await expect(openState(at)).rejects.toMatchObject({
      code: 'delta.invalid',
      message: expect.stringContaining(problem),
    });
  },
);

it('a damaged action of a checkpoint is named by its row, also behind many others', async () => {
  await appendFiles(1);
  const { files, protocol, metaData } = await snapshotOf();
  const [add] = files.values();
  if (!add) throw new Error('The table has no file.');
  const good = Array.from({ length: 1998 }, (_, file) => ({ add: { ...add, path: `part-${file}.parquet` } }));
  const rows = [{ protocol }, { metaData }, ...good, { add: { ...add, path: '' } }];
  await at.store.put(checkpointPath('events', 1), encodeCheckpointRows(rows).bytes);
  await at.store.put(lastCheckpointPath('events'), Buffer.from('{"version":1,"size":2001}'));
  await at.store.delete(commitPath('events', 0));
  await expect(snapshotOf()).rejects.toMatchObject({
    code: 'delta.invalid',
    message: expect.stringContaining('row 2000: add.path is not a text'),
  });
});

it('storage that does not answer is no damaged log', async () => {
  await appendFiles(3);
  await checkpoint({ at });
  await appendFiles(2);
  const { store } = at;
  const { get, getRange } = store;
  for (const wanted of [
    commitPath('events', 3),
    commitPath('events', 4),
    checkpointPath('events', 3),
    lastCheckpointPath('events'),
  ]) {
    let isAway = true;
    const ask = (path: string) => {
      if (path !== wanted || !isAway) return;
      // Only once: whoever does not throw it finds the whole log in another way.
      isAway = false;
      throw new TributaryError('storage.unavailable', 'away');
    };
    store.get = async (path) => {
      ask(path);
      return get.call(store, path);
    };
    store.getRange = async (path, start, length) => {
      ask(path);
      return getRange.call(store, path, start, length);
    };
    await expect(openState(at)).rejects.toThrow('away');
    isAway = true;
    await expect(openSnapshot(at)).rejects.toThrow('away');
  }
});
