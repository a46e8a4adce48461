import { beforeEach, describe, expect, it } from 'vitest';
import { append, putCommit } from '../../../src/lib/delta/commit';
import { followSnapshot } from '../../../src/lib/delta/follow';
import { strayPath } from '../../../src/lib/delta/hole';
import {
  checkpointPath,
  commitPath,
  lastCheckpointPath,
  logPrefix,
  readCommit,
  readLastCheckpoint,
  type TableLocation,
} from '../../../src/lib/delta/log';
import { openState } from '../../../src/lib/delta/openTable';
import { encodeCheckpointRows } from '../../../src/lib/delta/parquet/encodeCheckpoint';
import { TableAppender } from '../../../src/lib/delta/tableAppender';
import { checkpoint } from '../../../src/lib/maintenance/checkpoint';
import { type RepairLogTask, repairLog } from '../../../src/lib/maintenance/repairLog';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { commitFarAbove, goBackTo, objectsOf, strand } from './backInTime';
import { appendFiles, fields, newLocation, pathsOf, readRows, snapshotOf, stateOf } from './table';

let at: TableLocation;
beforeEach(() => {
  at = newLocation();
});

const ids = async () => (await readRows(at)).map(([id]) => Number(id));
const upTo = (end: number) => Array.from({ length: end }, (_, id) => id);
const strayNames = async () =>
  (await pathsOf(at, '_stray/')).map((path) => path.replace(/^.*_stray\/0*(?=\d)/, ''));
const putOther = (name: string) => at.store.put(`${logPrefix('events')}${name}`, Buffer.from('{}'));

/** Log 0 to `end`, then nothing, then the versions from `first` to `top`. Ten rows a version, whose ids count from 0. */
async function leaveHole(end: number, first: number, top: number) {
  await appendFiles(at, top);
  const versions = Array.from({ length: top - first + 1 }, (_, n) => first + n);
  await strand(at, await goBackTo(at, end), ...versions);
}

/** Log 0 to 11, of which 9 to 11 have a row each, then 12 and 13 as they were made on another 11. A checkpoint at 8. */
async function growUpToStray() {
  await appendFiles(at, 8);
  await checkpoint({ at });
  await appendFiles(at, 5, { first: 80 });
  const lost = await goBackTo(at, 8);
  for (let n = 0; n < 3; n++) await appendFiles(at, 1, { rows: 1, first: 80 + n });
  await strand(at, lost, 12, 13);
}

/** A checkpoint as the writer of version 13 would have written it. */
async function encodeStrayCheckpoint(): Promise<Uint8Array> {
  const { protocol, metaData } = await snapshotOf(at, 11);
  const commits = await Promise.all([12, 13].map((version) => readCommit(at, version)));
  const adds = commits.flatMap((commit) => commit?.adds ?? []);
  return encodeCheckpointRows([{ protocol }, { metaData }, ...adds.map((add) => ({ add }))]).bytes;
}

const pointerBytes = async () =>
  (await at.store.get(lastCheckpointPath('events')))?.bytes ?? new Uint8Array();
const pointTo = (version: number) =>
  at.store.put(lastCheckpointPath('events'), Buffer.from(JSON.stringify({ version, size: 1 })));

/** That the table takes rows, and that they and those before are all there is. */
async function expectSound(version: number, rows: readonly number[]) {
  expect(await stateOf(at)).toMatchObject({ version });
  expect(await ids()).toEqual(rows);
  expect(await repairLog({ at })).toEqual({ outcome: 'whole', version });
  const appender = new TableAppender({ at, fields });
  await appender.appendRows([[9999], ['new']], 1);
  expect(await stateOf(at)).toMatchObject({ version: version + 1 });
  expect(await ids()).toEqual([...rows, 9999]);
}

describe('repairing a log', () => {
  it('says that there is no table', async () => {
    expect(await repairLog({ at })).toEqual({ outcome: 'no-table' });
  });

  it('changes nothing in a sound log', async () => {
    await appendFiles(at, 5);
    await checkpoint({ at });
    await appendFiles(at, 5, { first: 50 });
    const before = await objectsOf(at);
    expect(await repairLog({ at })).toEqual({ outcome: 'whole', version: 10 });
    expect(await objectsOf(at)).toEqual(before);
  });

  it.each([
    ['narrow hole', 3, 6, 8],
    ['hole wider than what is read ahead', 3, 25, 26],
  ])('moves aside what stands above a %s', async (_what, end, first, top) => {
    await leaveHole(end, first, top);
    const moved = Array.from({ length: top - first + 1 }, (_, n) => first + n);
    const entry = (await at.store.get(commitPath('events', first)))?.bytes;
    await putOther(`${String(top).padStart(20, '0')}.crc`);
    await putOther(`${String(first).padStart(20, '0')}.${String(top).padStart(20, '0')}.compacted.json`);
    expect(await repairLog({ at })).toEqual({
      outcome: 'repaired',
      version: end,
      moved,
      files: moved.length + 2,
      rows: moved.length * 10,
      txns: [{ appId: 'p0', from: top * 10 - 1, to: end * 10 - 1 }],
    });
    expect(await strayNames()).toHaveLength(moved.length + 2);
    expect((await at.store.get(strayPath('events', commitPath('events', first))))?.bytes).toEqual(entry);
    await expectSound(end, upTo(end * 10));
  });

  it('keeps commits of writers that do not name the entry they were made on', async () => {
    await appendFiles(at, 3);
    await putCommit(at, 4, [], { operation: 'SET TBLPROPERTIES', isBlindAppend: false });
    await appendFiles(at, 2, { first: 30 });
    await strand(at, await goBackTo(at, 5), 6);
    await at.store.put(commitPath('events', 8), Buffer.from('{}'));
    expect(await repairLog({ at })).toMatchObject({ outcome: 'repaired', version: 6, moved: [8] });
    await expectSound(6, upTo(50));
  });

  it('moves nothing in a table that has a feature which it does not know', async () => {
    await leaveHole(3, 6, 8);
    const protocol = { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['rowTracking'] };
    await putCommit(at, 4, [{ protocol }], { operation: 'UPGRADE PROTOCOL', isBlindAppend: false });
    const before = await objectsOf(at);
    await expect(repairLog({ at })).rejects.toMatchObject({ code: 'delta.unsupported' });
    expect(await objectsOf(at)).toEqual(before);
  });

  it('finds entries further above than opening the table looks', async () => {
    const state = await appendFiles(at, 3);
    await checkpoint({ at });
    await commitFarAbove(state, 2500);
    expect(await stateOf(at)).toMatchObject({ version: 3 });
    expect(await repairLog({ at })).toMatchObject({
      version: 3,
      moved: [2500],
      rows: 1,
      txns: [{ appId: 'p0', from: 102_500, to: 29 }],
    });
    await expectSound(3, upTo(30));
  });

  it('moves aside an entry that the log has grown up to, and the commits on it', async () => {
    await growUpToStray();
    await expect(openState(at)).rejects.toMatchObject({ code: 'delta.hole' });
    expect(await repairLog({ at })).toEqual({
      outcome: 'repaired',
      version: 11,
      moved: [12, 13],
      files: 2,
      rows: 20,
      txns: [{ appId: 'p0', from: 129, to: 82 }],
    });
    await expectSound(11, upTo(83));
  });

  it('names no txn that has come as far by itself again', async () => {
    await leaveHole(3, 6, 6);
    const state = await openState(at, { version: 3 });
    if (!state) throw new Error('no table');
    await append({ state, fields, adds: [], txns: [{ appId: 'p0', version: 59 }] });
    expect(await repairLog({ at })).toMatchObject({ version: 4, moved: [6], txns: [] });
  });

  it('names a txn that the log does not have without the stray entry', async () => {
    await leaveHole(3, 6, 6);
    const path = commitPath('events', 6);
    const entry = (await at.store.get(path))?.bytes ?? new Uint8Array();
    const other = Buffer.from('{"txn":{"appId":"p1","version":7}}\n');
    await at.store.put(path, Buffer.concat([entry, other]));
    expect(await repairLog({ at })).toMatchObject({
      txns: [
        { appId: 'p0', from: 59, to: 29 },
        { appId: 'p1', from: 7, to: undefined },
      ],
    });
  });

  it('leaves nothing of a log without a beginning', async () => {
    await appendFiles(at, 5);
    await strand(at, await goBackTo(at, -1), 4, 5);
    expect(await repairLog({ at })).toEqual({
      outcome: 'repaired',
      version: -1,
      moved: [4, 5],
      files: 2,
      rows: 20,
      txns: [{ appId: 'p0', from: 49, to: undefined }],
    });
    expect(await openState(at)).toBeUndefined();
    expect(await repairLog({ at })).toEqual({ outcome: 'no-table' });
    await new TableAppender({ at, fields }).appendRows([[7], ['first']], 1);
    expect(await ids()).toEqual([7]);
  });

  it.each([
    ['below the end', 4],
    ['at the end', 6],
  ])('is no worse for a damaged checkpoint %s, which the entries make up for', async (_where, version) => {
    await appendFiles(at, version);
    await checkpoint({ at });
    await at.store.put(checkpointPath('events', version), Buffer.from('PAR1 no more PAR1'));
    await appendFiles(at, 9 - version, { first: version * 10 });
    await strand(at, await goBackTo(at, 6), 8, 9);
    expect(await repairLog({ at })).toMatchObject({ outcome: 'repaired', version: 6, moved: [8, 9] });
    expect(await ids()).toEqual(upTo(60));
  });

  it('does not know the number of lost rows if an entry cannot be read', async () => {
    await leaveHole(3, 6, 8);
    await at.store.put(commitPath('events', 7), Buffer.from('{"add":'));
    expect(await repairLog({ at })).toMatchObject({
      version: 3,
      moved: [6, 7, 8],
      rows: undefined,
      txns: [{ appId: 'p0', from: 79, to: 29 }],
    });
    await expectSound(3, upTo(30));
  });

  it('counts no rows of a commit that changes no data', async () => {
    const state = await appendFiles(at, 3);
    const [add] = (await snapshotOf(at)).files.values();
    if (!add) throw new Error('no file');
    await append({ state, fields, adds: [{ ...add, dataChange: false }], txns: [] });
    await strand(at, await goBackTo(at, 1), 3, 4);
    expect(await repairLog({ at })).toMatchObject({ moved: [3, 4], rows: 10 });
  });
});

describe('a checkpoint above the end of the log', () => {
  it.each([
    ['of two parts, one of which is missing', 'part'],
    ['that only the entries below it tell from a sound one', 'sound'],
    ['that is damaged', 'damaged'],
    ['that is damaged, without a pointer to another', 'unpointed'],
  ])('is moved aside: one %s', async (_what, kind) => {
    await growUpToStray();
    const bytes = await encodeStrayCheckpoint();
    const path = checkpointPath('events', 13);
    if (kind === 'part') await at.store.put(path.replace(/parquet$/, '0000000001.0000000002.parquet'), bytes);
    else await at.store.put(path, kind === 'sound' ? bytes : bytes.subarray(0, 100));
    if (kind === 'unpointed') await at.store.delete(lastCheckpointPath('events'));
    expect(await repairLog({ at })).toMatchObject({ version: 11, moved: [12, 13], files: 3, rows: 20 });
    await expectSound(11, upTo(83));
  });

  it('is moved aside if it is alone and no entries lead to it', async () => {
    await appendFiles(at, 3);
    await checkpoint({ at });
    const pointer = await pointerBytes();
    await appendFiles(at, 3, { first: 30 });
    await checkpoint({ at });
    const lost = await goBackTo(at, 4);
    const path = checkpointPath('events', 6);
    await at.store.put(path, lost.get(path) ?? new Uint8Array());
    await at.store.put(lastCheckpointPath('events'), pointer);
    expect(await repairLog({ at })).toMatchObject({ version: 4, moved: [], files: 1, rows: 0, txns: [] });
    expect(await strayNames()).toEqual(['6.checkpoint.parquet']);
    await expectSound(4, upTo(40));
  });

  it('is the beginning of the log if the entries before it were cleaned away', async () => {
    await appendFiles(at, 3);
    await checkpoint({ at });
    const pointer = await pointerBytes();
    await appendFiles(at, 6, { first: 30 });
    await checkpoint({ at });
    await appendFiles(at, 1, { first: 90 });
    for (const version of [4, 5, 6]) await at.store.delete(commitPath('events', version));
    await at.store.put(lastCheckpointPath('events'), pointer);
    expect(await repairLog({ at })).toEqual({ outcome: 'whole', version: 10 });
    await commitFarAbove(await stateOf(at), 14);
    expect(await repairLog({ at })).toMatchObject({ outcome: 'repaired', version: 10, moved: [14] });
    await expectSound(10, upTo(100));
  });

  it('is the beginning of the log even if its own entry was cleaned away too', async () => {
    await appendFiles(at, 3);
    await checkpoint({ at });
    await appendFiles(at, 2, { first: 30 });
    for (const version of [0, 1, 2, 3]) await at.store.delete(commitPath('events', version));
    await commitFarAbove(await stateOf(at), 9);
    expect(await repairLog({ at })).toMatchObject({ outcome: 'repaired', version: 5, moved: [9] });
    await expectSound(5, upTo(50));
  });

  it('is the beginning of the log even further above than opening the table looks', async () => {
    const state = await appendFiles(at, 3);
    await checkpoint({ at });
    const far = await commitFarAbove(state, 2500);
    const adds = [...(await snapshotOf(at, 3)).files.values()].map((add) => ({ add }));
    const { bytes } = encodeCheckpointRows([{ protocol: far.protocol }, { metaData: far.metaData }, ...adds]);
    await at.store.put(checkpointPath('events', 2500), bytes);
    expect(await stateOf(at)).toMatchObject({ version: 3 });
    expect(await repairLog({ at })).toMatchObject({ outcome: 'repaired', version: 2500, files: 0 });
    await expectSound(2500, upTo(30));
  });
});

describe('the pointer to the last checkpoint', () => {
  it.each([
    ['is put right', true],
    ['is deleted where no checkpoint is left', false],
  ])('%s when it leads above the end', async (_what, isLeft) => {
    await appendFiles(at, 2);
    if (isLeft) await checkpoint({ at });
    await appendFiles(at, 8, { first: 20 });
    await strand(at, await goBackTo(at, 4), 10);
    await pointTo(10);
    expect(await repairLog({ at })).toMatchObject({ version: 4, moved: [10], files: 1 });
    expect(await readLastCheckpoint(at)).toEqual(
      isLeft ? { version: 2, paths: [checkpointPath('events', 2)] } : undefined,
    );
    await expectSound(4, upTo(40));
  });

  it.each([
    ['an older one, if the newest that is left is damaged', [4], 2],
    ['none, if all that are left are damaged', [2, 4], undefined],
  ])('leads to %s', async (_what, damaged, version) => {
    await appendFiles(at, 2);
    await checkpoint({ at });
    await appendFiles(at, 2, { first: 20 });
    await checkpoint({ at });
    await appendFiles(at, 3, { first: 40 });
    await strand(at, await goBackTo(at, 5), 7);
    for (const each of damaged)
      await at.store.put(checkpointPath('events', each), Buffer.from('PAR1 cut PAR1'));
    await pointTo(7);
    expect(await repairLog({ at })).toMatchObject({ outcome: 'repaired', version: 5, moved: [7] });
    expect((await readLastCheckpoint(at))?.version).toBe(version);
    expect(await ids()).toEqual(upTo(50));
  });

  it('is put right also when nothing else is wrong', async () => {
    await appendFiles(at, 2);
    await checkpoint({ at });
    await pointTo(10);
    expect(await repairLog({ at, dryRun: true })).toMatchObject({ outcome: 'planned', files: 0 });
    expect(await repairLog({ at })).toMatchObject({ outcome: 'repaired', version: 2, moved: [], files: 0 });
    expect((await readLastCheckpoint(at))?.version).toBe(2);
    await expectSound(2, upTo(20));
  });
});

describe('damage that is no hole', () => {
  it('at the end of the log is thrown, and nothing is moved', async () => {
    await appendFiles(at, 3);
    await at.store.put(commitPath('events', 4), Buffer.from('{"add":'));
    await expect(repairLog({ at })).rejects.toMatchObject({
      code: 'delta.invalid',
      message: 'memory/events version 4, line 1: not JSON.',
    });
    await commitFarAbove(await stateAt(3), 6);
    const before = await objectsOf(at);
    await expect(repairLog({ at })).rejects.toMatchObject({ code: 'delta.invalid' });
    expect(await objectsOf(at)).toEqual(before);
  });

  it.each([
    ['the checkpoint that the log begins with', true],
    ['a checkpoint above what may be a hole', false],
  ])('of %s is thrown, and nothing is moved', async (_what, isBeginning) => {
    await appendFiles(at, 3);
    if (!isBeginning) await checkpoint({ at });
    await appendFiles(at, 5, { first: 30 });
    await checkpoint({ at });
    for (let version = isBeginning ? 0 : 4; version < 8; version++)
      await at.store.delete(commitPath('events', version));
    await at.store.put(checkpointPath('events', 8), Buffer.from('PAR1 no more PAR1'));
    const before = await objectsOf(at);
    await expect(repairLog({ at })).rejects.toMatchObject({ code: 'parquet.invalid' });
    await at.store.delete(lastCheckpointPath('events'));
    await expect(repairLog({ at })).rejects.toMatchObject({ code: 'parquet.invalid' });
    before.delete(lastCheckpointPath('events'));
    expect(await objectsOf(at)).toEqual(before);
  });

  it('of a cleaned log that has lost its checkpoint is thrown, and nothing is moved', async () => {
    await appendFiles(at, 5);
    await checkpoint({ at });
    for (const version of [0, 1, 2, 3]) await at.store.delete(commitPath('events', version));
    await at.store.delete(checkpointPath('events', 5));
    const before = await objectsOf(at);
    await expect(repairLog({ at })).rejects.toMatchObject({ code: 'delta.invalid' });
    expect(await objectsOf(at)).toEqual(before);
  });

  async function stateAt(version: number) {
    const state = await openState(at, { version });
    if (!state) throw new Error('no table');
    return state;
  }
});

/** The kinds of hole that a run may be cut short in, with the version that each is to end at. */
const holes = {
  async 'above a hole'() {
    await leaveHole(3, 12, 14);
    await putOther('00000000000000000013.crc');
    return 3;
  },
  async 'on a stray entry'() {
    await growUpToStray();
    // If a checkpoint outlived its version's entry, it would be read as the newest version.
    for (const version of [12, 13])
      await at.store.put(checkpointPath('events', version), await encodeStrayCheckpoint());
    return 11;
  },
  async 'under a pointer'() {
    await leaveHole(3, 12, 14);
    await pointTo(13);
    return 3;
  },
};
const kinds = Object.keys(holes) as (keyof typeof holes)[];

describe('a repair', () => {
  it('reports each file before it is moved, and the end', async () => {
    await leaveHole(3, 6, 8);
    const steps: string[] = [];
    await repairLog({ at, progress: ({ step, done, total }) => steps.push(`${step} ${done}/${total}`) });
    expect(steps).toEqual(['repair 0/3', 'repair 1/3', 'repair 2/3', 'repair 3/3']);
  });

  it('stops if an entry of the log goes while the log is read', async () => {
    // Opening the table looks up a log from its checkpoint, and does not list it.
    await appendFiles(at, 2);
    await checkpoint({ at });
    await commitFarAbove(await appendFiles(at, 2, { first: 20 }), 2500);
    const { store } = at;
    const { list } = store;
    store.list = async function* (prefix) {
      yield* list.call(store, prefix);
      if (prefix === logPrefix('events')) await store.delete(commitPath('events', 3));
    };
    await expect(repairLog({ at })).rejects.toMatchObject({
      code: 'delta.contention',
      message: expect.stringContaining('memory/events version 3: the log changes during the repair.'),
    });
    expect(await strayNames()).toEqual([]);
  });
});

describe('a repair that does not come to its end', () => {
  it.each(kinds)('is ended by another, wherever it was cut short: %s', async (kind) => {
    for (let cutAt = 0, isCut = true; isCut; cutAt++) {
      at = newLocation();
      const end = await holes[kind]();
      const rows = (await readRows(at, end)).map(([id]) => Number(id));
      const ended = new AbortController();
      const progress: RepairLogTask['progress'] = ({ done }) => {
        if (done === cutAt) ended.abort(new Error('out of time'));
      };
      const [first] = await Promise.allSettled([repairLog({ at, signal: ended.signal, progress })]);
      isCut = first.status === 'rejected';
      if (isCut) {
        expect(await strayNames()).toHaveLength(cutAt + 1);
        // The remaining files do not count meanwhile.
        const [between] = await Promise.allSettled([ids()]);
        expect(between).toMatchObject(
          between.status === 'fulfilled' ? { value: rows } : { reason: { code: 'delta.hole' } },
        );
        await repairLog({ at });
      }
      await expectSound(end, rows);
    }
  });

  it.each(kinds)('is ended by another when a file was copied and not deleted: %s', async (kind) => {
    const end = await holes[kind]();
    const rows = (await readRows(at, end)).map(([id]) => Number(id));
    const { store } = at;
    const remove = store.delete.bind(store);
    store.delete = async () => {
      throw new Error('no answer');
    };
    await expect(repairLog({ at })).rejects.toThrow('no answer');
    store.delete = remove;
    expect(await strayNames()).toHaveLength(1);
    const { files } = (await repairLog({ at })) as { files: number };
    expect(await strayNames()).toHaveLength(files);
    await expectSound(end, rows);
  });

  it.each(kinds)(
    'is a dry run, which changes nothing and reports the same as a real run: %s',
    async (kind) => {
      await holes[kind]();
      const before = await objectsOf(at);
      const planned = await repairLog({ at, dryRun: true });
      expect(planned).toMatchObject({ outcome: 'planned' });
      expect(await objectsOf(at)).toEqual(before);
      expect(await repairLog({ at })).toEqual({ ...planned, outcome: 'repaired' });
    },
  );
});

it('keeps files that an earlier repair moved aside under the same name', async () => {
  await leaveHole(3, 6, 6);
  await repairLog({ at });
  await appendFiles(at, 3, { first: 500 });
  await strand(at, await goBackTo(at, 3), 6);
  await repairLog({ at });
  expect(await strayNames()).toEqual(['6.json', '6.json.1']);
  const both = [...(await objectsOf(at, 'events/_stray/')).values()];
  expect(both[0]).not.toEqual(both[1]);
});

it('continues if another repair has moved a file meanwhile', async () => {
  await leaveHole(3, 6, 8);
  const found = await at.store.get(commitPath('events', 7));
  const remove = at.store.delete.bind(at.store);
  at.store.delete = async (path) => {
    const isGone = await remove(path);
    if (path !== commitPath('events', 8)) return isGone;
    const faster = commitPath('events', 7);
    await at.store.putIfAbsent(strayPath('events', faster), found?.bytes ?? new Uint8Array());
    await remove(faster);
    return isGone;
  };
  expect(await repairLog({ at })).toMatchObject({ outcome: 'repaired', moved: [6, 7, 8] });
  expect(await strayNames()).toEqual(['6.json', '7.json', '8.json']);
  await expectSound(3, upTo(30));
});

describe('a writer that is still running', () => {
  /** A store that has something happen before the first file is copied aside. */
  class Interrupted extends MemoryStore {
    before: (() => Promise<unknown>) | undefined;
    override async putIfAbsent(path: string, bytes: Uint8Array) {
      const { before } = this;
      if (before && path.includes('_stray')) {
        this.before = undefined;
        await before();
      }
      return super.putIfAbsent(path, bytes);
    }
  }
  let store: Interrupted;
  beforeEach(() => {
    store = new Interrupted();
    at = { store, table: 'events' };
  });

  it('that fills the hole half-way stops the repair before it deletes anything', async () => {
    await leaveHole(3, 5, 6);
    const state = await openState(at, { version: 3 });
    if (!state) throw new Error('no table');
    store.before = () => append({ state, fields, adds: [], txns: [{ appId: 'p1', version: 1 }] });
    const entries = await pathsOf(at, '_delta_log/');
    await expect(repairLog({ at })).rejects.toMatchObject({
      code: 'delta.contention',
      message: expect.stringContaining('Stop the app'),
    });
    expect(await pathsOf(at, '_delta_log/')).toEqual([...entries, commitPath('events', 4)].sort());
    expect(await repairLog({ at })).toMatchObject({ outcome: 'repaired', version: 4, moved: [5, 6] });
    await expectSound(4, upTo(30));
  });

  it('that writes other entries above the hole stops the repair before it deletes one', async () => {
    await leaveHole(3, 5, 6);
    const other = Buffer.from('{"commitInfo":{}}');
    store.before = () => store.put(commitPath('events', 5), other);
    await expect(repairLog({ at })).rejects.toMatchObject({
      code: 'delta.contention',
      message: expect.stringContaining('memory/events version 4: the log changes during the repair.'),
    });
    expect((await store.get(commitPath('events', 5)))?.bytes).toEqual(Uint8Array.from(other));
    expect(await strayNames()).toEqual(['6.json']);
  });

  it('that commits between the two looks stops the repair before it moves anything', async () => {
    await leaveHole(3, 6, 7);
    const state = await openState(at, { version: 3 });
    if (!state) throw new Error('no table');
    const list = store.list.bind(store);
    let lists = 0;
    let commitAt = 0;
    store.list = async function* (prefix) {
      if (++lists === commitAt)
        await append({ state, fields, adds: [], txns: [{ appId: 'p1', version: 1 }] });
      yield* list(prefix);
    };
    await repairLog({ at, dryRun: true });
    commitAt = 2 * lists + 1;
    await expect(repairLog({ at })).rejects.toMatchObject({ code: 'delta.contention' });
    expect(await strayNames()).toEqual([]);
  });

  it('that writes another entry between the two looks stops the repair before it moves anything', async () => {
    await leaveHole(3, 6, 7);
    const list = store.list.bind(store);
    let lists = 0;
    let writeAt = 0;
    store.list = async function* (prefix) {
      if (++lists === writeAt) await store.put(commitPath('events', 6), Buffer.from('{"commitInfo":{}}'));
      yield* list(prefix);
    };
    await repairLog({ at, dryRun: true });
    writeAt = 2 * lists + 1;
    await expect(repairLog({ at })).rejects.toMatchObject({ code: 'delta.contention' });
    expect(await strayNames()).toEqual([]);
  });

  it('whose storage goes back once more after the table was opened stops the repair before it moves anything', async () => {
    await appendFiles(at, 3);
    await checkpoint({ at });
    await commitFarAbove(await appendFiles(at, 2, { first: 30 }), 2500);
    const list = store.list.bind(store);
    store.list = async function* (prefix) {
      // Opening a table that has a checkpoint lists only the versions right above: the whole log is listed after that.
      if (prefix === logPrefix('events')) await store.delete(commitPath('events', 5));
      yield* list(prefix);
    };
    await expect(repairLog({ at })).rejects.toMatchObject({
      code: 'delta.contention',
      message: expect.stringContaining('memory/events version 5: the log changes during the repair.'),
    });
    expect(await strayNames()).toEqual([]);
  });

  it('and everybody who follows the log go on once it is repaired', async () => {
    const appender = new TableAppender({ at, fields });
    for (let id = 0; id < 6; id++) await appender.appendRows([[id], ['a']], 1);
    const follower = followSnapshot(at);
    await follower.toHead();
    const lost = await goBackTo(at, 3);
    const late = followSnapshot(at);
    await late.toHead();
    await strand(at, lost, 6);
    // The follower and the writer are at the stray entry. The late one is below the hole and does not see the entries above.
    await expect(follower.toHead()).rejects.toMatchObject({ code: 'delta.hole' });
    await expect(appender.refresh()).rejects.toMatchObject({ code: 'delta.hole' });
    expect(await late.toHead()).toMatchObject({ version: 3 });
    await repairLog({ at });
    await appender.appendRows([[77], ['b']], 1);
    expect(await ids()).toEqual([0, 1, 2, 77]);
    for (const each of [follower, late])
      expect(await each.toHead()).toMatchObject({ version: 4, files: { size: 4 } });
  });
});
