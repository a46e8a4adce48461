import { beforeEach, describe, expect, it } from 'vitest';
import { checkpointPath, commitPath, lastCheckpointPath } from '../../../src/lib/delta/log';
import { TributaryError } from '../../../src/lib/errors';
import { checkpoint } from '../../../src/lib/maintenance/checkpoint';
import { checkTable } from '../../../src/lib/maintenance/checkTable';
import { inspectCheckpoint, isOfLostCommit } from '../../../src/lib/maintenance/lastCheckpoint';
import { repairLog } from '../../../src/lib/maintenance/repairLog';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { goBackTo, objectsOf, strand } from './backInTime';
import { appendFiles, readRows } from './table';

/** A store that does not answer when certain objects are read, from a given read on. */
class AwayStore extends MemoryStore {
  away: (path: string) => boolean = () => false;

  override async get(path: string) {
    this.#ask(path);
    return super.get(path);
  }

  override async getRange(path: string, start: number, length: number) {
    this.#ask(path);
    return super.getRange(path, start, length);
  }

  #ask(path: string): void {
    if (this.away(path)) throw new TributaryError('storage.unavailable', 'The lake is away.');
  }
}

let store: AwayStore;
let at: { store: AwayStore; table: string };
beforeEach(() => {
  store = new AwayStore();
  at = { store, table: 'events' };
});

const away = { code: 'storage.unavailable' };
const checkpointAt = (version: number) => ({ version, paths: [checkpointPath('events', version)] });

/** Versions 0 to 4, a checkpoint of 2, and 8 above a hole. */
async function leaveHole(): Promise<void> {
  await appendFiles(at, 2);
  await checkpoint({ at });
  await appendFiles(at, 6, { first: 20 });
  await strand(at, await goBackTo(at, 4), 8);
}

describe('storage that does not answer', () => {
  it.each([
    ['the checkpoint', checkpointPath('events', 2)],
    ['an entry of the log', commitPath('events', 3)],
    ['the entry of the checkpoint', commitPath('events', 2)],
    ['a stray entry', commitPath('events', 8)],
    ['the pointer', lastCheckpointPath('events')],
  ])('is never taken for a damaged log by the repair, at whichever read of %s', async (_what, wanted) => {
    await leaveHole();
    const before = await objectsOf(at);
    for (let answered = 0, isDone = false; !isDone; answered++) {
      let reads = 0;
      store.away = (path) => path === wanted && ++reads > answered;
      const [outcome] = await Promise.allSettled([repairLog({ at, dryRun: true })]);
      isDone = reads <= answered;
      expect(outcome).toMatchObject(isDone ? { status: 'fulfilled' } : { reason: away });
      store.away = () => false;
      expect(await objectsOf(at)).toEqual(before);
    }
    expect(await repairLog({ at })).toMatchObject({ outcome: 'repaired', version: 4, moved: [8] });
    expect(await readRows(at)).toHaveLength(40);
  });

  it('says nothing about a checkpoint', async () => {
    await leaveHole();
    for (const path of [checkpointPath('events', 2), commitPath('events', 2)]) {
      store.away = (each) => each === path;
      await expect(inspectCheckpoint(at, checkpointAt(2))).rejects.toMatchObject(away);
      await expect(isOfLostCommit(at, checkpointAt(2))).rejects.toMatchObject(away);
    }
  });

  it('is no finding about a data file', async () => {
    await appendFiles(at, 2);
    store.away = (path) => path.includes('/part-');
    await expect(checkTable({ at })).rejects.toMatchObject(away);
  });
});

it('a checkpoint that is gone, or damaged, is not known to be of a lost commit', async () => {
  await leaveHole();
  expect(await isOfLostCommit(at, checkpointAt(3))).toBe(false);
  await expect(inspectCheckpoint(at, checkpointAt(3))).rejects.toMatchObject({
    code: 'delta.invalid',
    message: expect.stringContaining('is gone'),
  });
  await store.put(checkpointPath('events', 2), Buffer.from('PAR1 no checkpoint PAR1'));
  expect(await isOfLostCommit(at, checkpointAt(2))).toBe(false);
});
