import { describe, expect, it } from 'vitest';
import type { Add } from '../../../src/lib/delta/actions';
import { createTable } from '../../../src/lib/delta/commit';
import { checkpointPath, commitPath, type TableLocation } from '../../../src/lib/delta/log';
import { openSnapshot } from '../../../src/lib/delta/openTable';
import { encodeCheckpointRows } from '../../../src/lib/delta/parquet/encodeCheckpoint';
import { readCheckpoint } from '../../../src/lib/delta/readCheckpoint';
import { field } from '../../../src/lib/delta/schema';
import { advanceState } from '../../../src/lib/delta/state';
import { checkpoint } from '../../../src/lib/maintenance/checkpoint';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { countChecksums, withoutChecksums } from './parquet/withoutChecksums';

const stats = (n: number) => `{"numRecords":${n},"minValues":{"name":"größer 😀"},"nullCount":{"name":0}}`;

/** Add actions of every kind: with and without statistics, partitions and tags. */
const adds: readonly Add[] = Array.from({ length: 3000 }, (_, n) => ({
  path: `${n % 7 === 0 ? 'caf%C3%A9-ä' : 'part'}-${n}.parquet`,
  partitionValues: n % 3 === 0 ? { day: n % 2 === 0 ? '2026-01-01' : null } : {},
  size: n,
  modificationTime: 1_780_000_000_000 + n,
  dataChange: false,
  ...(n % 5 === 0 ? {} : { stats: stats(n) }),
  ...(n % 11 === 0 ? { tags: { writer: `w${n}` } } : {}),
}));

/** A table whose version 0 has a checkpoint with these files. */
async function tableOf(files: readonly Add[]): Promise<TableLocation> {
  const at = { store: new MemoryStore(), table: 'events' };
  await createTable(at, [field('name', 'string')]);
  const state = await openSnapshot(at);
  if (!state) throw new Error('no table');
  const { protocol, metaData } = state;
  const rows = [{ protocol }, { metaData }, ...files.map((add) => ({ add }))];
  const { bytes } = encodeCheckpointRows(rows, state.mark);
  await at.store.put(checkpointPath(at.table, 0), bytes);
  await at.store.put('events/_delta_log/_last_checkpoint', Buffer.from('{"version":0,"size":1}'));
  return at;
}

async function snapshotOf(at: TableLocation) {
  const snapshot = await openSnapshot(at);
  if (!snapshot) throw new Error('no table');
  return snapshot;
}

describe('the files of a checkpoint', () => {
  it('have no dataChange where the checkpoint has none', async () => {
    const written = adds.slice(0, 3).map(({ dataChange: _, ...add }) => add as Add);
    const { files } = await snapshotOf(await tableOf(written));
    expect([...files.values()]).toStrictEqual(written);
  });

  it('are what was written, in its order, also when they are asked for one by one', async () => {
    const { files } = await snapshotOf(await tableOf(adds));
    expect([...files.values()]).toEqual(adds);
    expect([...files.keys()]).toEqual(adds.map(({ path }) => path));
    for (const at of [2999, 0, 1500, 7, 1018]) {
      const path = adds[at]?.path ?? '';
      expect(files.has(path)).toBe(true);
      expect(files.get(path)).toEqual(adds[at]);
      // Statistics that are missing are no property that is undefined: actions are copied and compared as they are.
      expect(Object.keys(files.get(path) ?? {})).toEqual(expect.arrayContaining(Object.keys(adds[at] ?? {})));
      expect('stats' in (files.get(path) ?? {})).toBe('stats' in (adds[at] ?? {}));
    }
    expect(files.get('other.parquet')).toBeUndefined();
    const seen: string[] = [];
    files.forEach(({ path }, key, all) => {
      seen.push(path);
      expect([key, all.size]).toEqual([path, adds.length]);
    });
    expect(seen).toHaveLength(adds.length);
  });

  it('are the next checkpoint’s too, whether its row groups are copied or written again', async () => {
    const plain = adds.map(({ tags: _, ...add }) => ({ ...add, partitionValues: {} }));
    for (const files of [adds, plain]) {
      const at = await tableOf(files);
      const size = files.length;
      const removed = plain[2500]?.path ?? '';
      const lines = [
        { remove: { path: removed, dataChange: true, deletionTimestamp: Date.now() } },
        { commitInfo: {} },
      ];
      for (const version of [1, 2]) {
        const entry = (version === 1 ? lines.slice(1) : lines).map((line) => JSON.stringify(line));
        await at.store.put(commitPath(at.table, version), Buffer.from(entry.join('\n')));
        expect(await checkpoint({ at })).toMatchObject({
          outcome: 'written',
          version,
          files: size - version + 1,
        });
        const snapshot = await snapshotOf(at);
        const byPath = (a: Add, b: Add) => a.size - b.size;
        const left = version === 1 ? files : files.filter(({ path }) => path !== removed);
        expect([...snapshot.files.values()].sort(byPath)).toEqual(left);
      }
    }
  });

  it('are written again with checksums if the checkpoint before has none', async () => {
    const plain = adds.map(({ tags: _, ...add }) => ({ ...add, partitionValues: {} }));
    const at = await tableOf(plain);
    const [before, after] = [0, 1].map((version) => checkpointPath(at.table, version));
    const bytesOf = async (path = '') => (await at.store.get(path))?.bytes ?? new Uint8Array();
    const sound = await bytesOf(before);
    await at.store.put(before ?? '', withoutChecksums(sound));
    expect(countChecksums(await bytesOf(before))).toBeLessThan(countChecksums(sound) / 2);
    await at.store.put(commitPath(at.table, 1), Buffer.from('{"commitInfo":{}}'));
    expect(await checkpoint({ at })).toMatchObject({ outcome: 'written', files: plain.length });
    expect(countChecksums(await bytesOf(after))).toBe(countChecksums(sound));
  });

  it('do not change with the table', async () => {
    const before = await snapshotOf(await tableOf(adds));
    const [first, second] = adds as readonly [Add, Add, ...Add[]];
    const after = advanceState(before, [
      {
        version: 1,
        adds: [
          { ...second, size: 77 },
          { ...first, path: 'new.parquet' },
        ],
        removes: [{ path: first.path, dataChange: true }],
        txns: [],
      },
    ]);
    expect(after.files.size).toBe(adds.length);
    expect(after.files.get(first.path)).toBeUndefined();
    expect(after.files.get(second.path)?.size).toBe(77);
    expect([...after.files.values()].slice(1, -1)).toEqual(adds.slice(2));
    expect([...after.files.keys()].at(-1)).toBe('new.parquet');
    expect([...before.files.values()]).toEqual(adds);
  });
});

it('a bit that flips anywhere in a checkpoint is noticed when it is opened, not when statistics are asked for', async () => {
  const at = await tableOf(adds.slice(0, 40));
  const path = checkpointPath(at.table, 0);
  const whole = (await at.store.get(path))?.bytes ?? new Uint8Array();
  const found = Buffer.from(whole).indexOf('größer');
  expect(found).toBeGreaterThan(0);
  for (let byte = found - 40; byte < found + 60; byte++) {
    const flipped = Uint8Array.from(whole);
    flipped[byte] = (flipped[byte] ?? 0) ^ 4;
    await at.store.put(path, flipped);
    const reading = readCheckpoint(at, { version: 0, paths: [path] }, true, () => {});
    await expect(reading).rejects.toMatchObject({ code: 'parquet.invalid' });
  }
});
