import { beforeEach, describe, expect, it } from 'vitest';
import type { TableLocation } from '../../../src/lib/delta/log';
import { checkpoint } from '../../../src/lib/maintenance/checkpoint';
import { checkTable } from '../../../src/lib/maintenance/checkTable';
import { cleanLog } from '../../../src/lib/maintenance/cleanLog';
import { compact } from '../../../src/lib/maintenance/compact';
import { compactBin } from '../../../src/lib/maintenance/compactBin';
import { planCompaction } from '../../../src/lib/maintenance/planCompaction';
import { repairLog } from '../../../src/lib/maintenance/repairLog';
import type { MaintenanceTask } from '../../../src/lib/maintenance/task';
import { vacuum } from '../../../src/lib/maintenance/vacuum';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { goBackTo, objectsOf, strand } from './backInTime';
import { appendFiles } from './table';

/** A store in which something happens before an object of a listing is given, or before a request. */
class ObservedStore extends MemoryStore {
  onListed: () => void = () => {};
  onRequest: (path: string) => void = () => {};

  override async *list(prefix: string) {
    for await (const object of super.list(prefix)) {
      // Opening a table lists no more than the names that begin with some digits.
      if (prefix.endsWith('/')) this.onListed();
      yield object;
    }
  }

  override async get(path: string) {
    this.onRequest(path);
    return super.get(path);
  }

  override async getRange(path: string, start: number, length: number) {
    this.onRequest(path);
    return super.getRange(path, start, length);
  }
}

let store: ObservedStore;
let at: TableLocation;
beforeEach(() => {
  store = new ObservedStore();
  at = { store, table: 'events' };
});

const outOfTime = new Error('out of time');

describe('a task whose signal is aborted', () => {
  it.each<[string, (task: MaintenanceTask) => Promise<unknown>]>([
    ['cleaning of the log', cleanLog],
    ['vacuum', vacuum],
    ['repair of the log', repairLog],
  ])('ends within a listing: %s', async (_, perform) => {
    await appendFiles(at, 8);
    await checkpoint({ at });
    const ended = new AbortController();
    let listed = 0;
    store.onListed = () => {
      if (++listed === 3) ended.abort(outOfTime);
    };
    await expect(perform({ at, signal: ended.signal })).rejects.toBe(outOfTime);
    expect(listed).toBe(3);
  });

  it.each<[string, (task: MaintenanceTask) => Promise<unknown>]>([
    ['checkpoint', checkpoint],
    ['cleaning of the log', cleanLog],
    ['vacuum', vacuum],
    ['compaction', compact],
    ['repair of the log', repairLog],
    ['check', checkTable],
  ])('ends with its reason before it writes or deletes anything: %s', async (_, perform) => {
    await appendFiles(at, 3);
    const before = await objectsOf(at);
    await expect(perform({ at, signal: AbortSignal.abort(outOfTime) })).rejects.toBe(outOfTime);
    expect(await objectsOf(at)).toEqual(before);
  });

  it('ends between two files: a check', async () => {
    await appendFiles(at, 5);
    const ended = new AbortController();
    const seen: number[] = [];
    const progress = ({ done }: { done: number }) => {
      seen.push(done);
      if (done === 1) ended.abort(outOfTime);
    };
    await expect(checkTable({ at, signal: ended.signal, progress })).rejects.toBe(outOfTime);
    expect(seen).toEqual([0, 1]);
  });

  it('ends between two files: a compaction, which stores nothing then', async () => {
    await appendFiles(at, 20);
    const before = await objectsOf(at);
    for (const request of [1, 6, 20]) {
      const ended = new AbortController();
      let read = 0;
      store.onRequest = (path) => {
        if (path.includes('/part-') && ++read === request) ended.abort(outOfTime);
      };
      await expect(compact({ at, signal: ended.signal })).rejects.toBe(outOfTime);
      // Some files are read ahead.
      expect(read).toBeLessThan(request + 10);
      store.onRequest = () => {};
      expect(await objectsOf(at)).toEqual(before);
    }
  });

  it('stores nothing: a compaction whose rows are all read', async () => {
    await appendFiles(at, 4);
    const before = await objectsOf(at);
    const planned = await planCompaction({ at }, 1_000_000);
    if (planned.outcome !== 'planned') throw new Error(planned.outcome);
    const ended = new AbortController();
    const isTimeUp = () => {
      ended.abort(outOfTime);
      return true;
    };
    await expect(compactBin({ at, signal: ended.signal, isTimeUp }, planned.opened, 0)).rejects.toBe(
      outOfTime,
    );
    expect(await objectsOf(at)).toEqual(before);
  });

  it('moves no further file aside: a repair', async () => {
    await appendFiles(at, 8);
    await strand(at, await goBackTo(at, 2), 6, 7, 8);
    const ended = new AbortController();
    const seen: string[] = [];
    const progress = ({ step, done, total }: { step: string; done: number; total: number }) => {
      seen.push(`${step} ${done}/${total}`);
      if (done === 1) ended.abort(outOfTime);
    };
    await expect(repairLog({ at, signal: ended.signal, progress })).rejects.toBe(outOfTime);
    expect(seen).toEqual(['repair 0/3', 'repair 1/3']);
    seen.length = 0;
    const outcome = await repairLog({ at, progress: ({ done, total }) => seen.push(`${done}/${total}`) });
    expect(outcome).toMatchObject({ outcome: 'repaired', version: 2 });
    expect(seen.at(-1)).toBe(`${seen.length - 1}/${seen.length - 1}`);
  });
});
