import { describe, expect, it } from 'vitest';
import { commitPath, lastCheckpointPath, type TableLocation } from '../../../src/lib/delta/log';
import { openSnapshot } from '../../../src/lib/delta/openTable';
import { beginning, positionOfState, type TablePosition } from '../../../src/lib/delta/position';
import { readDataFile } from '../../../src/lib/delta/readDataFile';
import { effectOnRows } from '../../../src/lib/delta/rowEffect';
import type { Snapshot, TableState } from '../../../src/lib/delta/state';
import { TableAppender } from '../../../src/lib/delta/tableAppender';
import { isDamage, TributaryError } from '../../../src/lib/errors';
import { checkpoint } from '../../../src/lib/maintenance/checkpoint';
import { compact } from '../../../src/lib/maintenance/compact';
import { repairLog } from '../../../src/lib/maintenance/repairLog';
import { seededRandom } from '../../../src/lib/sources/seededRandom';
import { UnloadedCommits } from '../../../src/lib/warehouse/unloadedCommits';
import { objectsOf } from './backInTime';
import { fields, newLocation } from './table';

/*
 * Writers, a loader and maintenance over one store, which goes back in time at random moments, also in the middle of a commit, and
 * may keep some of what it should lose. Everything they do is what the app does; a log with a hole is mended with the repair.
 * In the end each event of the hub is a row once, and the loader has the rows of the table.
 */

const partitions = ['p0', 'p1', 'p2'];

class World {
  readonly at: TableLocation = newLocation();
  readonly #random: () => number;
  readonly #writers: TableAppender[];
  readonly #commits = new UnloadedCommits(this.at);
  #position: TablePosition = beginning;
  /** How often the loader has each row, by id. */
  #loaded = new Map<number, number>();
  /** The writers' clock: storage is away for a while when it goes back. */
  #now = Date.UTC(2026, 0, 1);
  #pictures: ReadonlyMap<string, Uint8Array>[] = [];

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    const now = () => this.#now;
    this.#writers = partitions.map(() => new TableAppender({ at: this.at, fields, now }));
  }

  chance = (likelihood: number): boolean => this.#random() < likelihood;
  pick = <T>(all: readonly T[]): T => all[Math.floor(this.#random() * all.length)] as T;

  /** One step of a writer, the loader or maintenance. A later step tries again what failed. */
  async step(): Promise<void> {
    const kind = this.#random();
    if (kind < 0.55) await this.ingest(this.pick([0, 1, 2]));
    else if (kind < 0.75) await this.load();
    else if (kind < 0.83) await this.#attempt(async () => void (await checkpoint({ at: this.at })));
    else if (kind < 0.86) await this.#attempt(async () => void (await compact({ at: this.at })));
    else if (kind < 0.95) this.#pictures.push(await objectsOf(this.at));
    else await this.goBack();
  }

  /** A batch of a partition, from the event after its txn on; storage may go back before it is committed. */
  async ingest(index: number): Promise<number> {
    const writer = this.#writers[index] as TableAppender;
    const appId = partitions[index] as string;
    let next = 0;
    await this.#attempt(async () => {
      try {
        const state = await writer.state();
        next = (state.txns.get(appId)?.version ?? -1) + 1;
        const ids = Array.from({ length: 1 + Math.floor(this.#random() * 3) }, (_, i) => next + i);
        const columns = [ids.map((id) => index * 1_000_000 + id), ids.map(String)];
        const prepared = await writer.prepare(state, columns);
        if (!prepared) return;
        if (this.chance(0.03)) await this.goBack();
        const version = ids.at(-1) as number;
        const { outcome } = await writer.commit(prepared, [{ appId, version }], ids.length);
        if (outcome === 'moved') writer.forget();
      } catch (error) {
        writer.forget();
        throw error;
      }
    });
    return next;
  }

  /** Acts as the loader of a warehouse: continues from its position, or loads all rows again. */
  async load(): Promise<void> {
    await this.#attempt(async () => {
      const found = await this.#commits.after(this.#position);
      if (found.step === 'unfollowable') return this.#rebuild();
      if (found.step !== 'commits') return;
      for (const commit of found.commits) {
        const effect = effectOnRows(commit, found.state.metaData.id);
        if (effect.effect === 'rewrite') return this.#rebuild();
        const ids = effect.effect === 'append' ? await idsOf(found.state, effect.files) : [];
        if (!ids) return this.#rebuild();
        for (const id of ids) this.#loaded.set(id, (this.#loaded.get(id) ?? 0) + 1);
        this.#position = { tableId: found.state.metaData.id, version: commit.version, mark: commit.mark };
      }
    });
  }

  async #rebuild(): Promise<void> {
    this.#commits.forget();
    const snapshot = await openSnapshot(this.at);
    const ids = snapshot && (await idsOf(snapshot, [...snapshot.files.values()]));
    if (!ids) return;
    this.#loaded = countsOf(ids);
    this.#position = positionOfState(snapshot);
  }

  /** Rolls storage back to some moment. Later checkpoints and data files may survive. */
  async goBack(): Promise<void> {
    if (this.#pictures.length === 0) return;
    this.#now += 10_000;
    const index = Math.floor(this.#random() * this.#pictures.length);
    const picture = this.#pictures[index] as ReadonlyMap<string, Uint8Array>;
    this.#pictures = this.#pictures.slice(0, index + 1);
    // A checkpoint that stands alone is a table: nothing tells that its commits were lost and not cleaned away.
    const keepsCheckpoints = picture.has(commitPath(this.at.table, 0)) && this.chance(0.3);
    const keepsPointer = this.chance(0.2);
    const pointer = lastCheckpointPath(this.at.table);
    for (const [path] of await objectsOf(this.at)) {
      if (picture.has(path) || (path === pointer && keepsPointer)) continue;
      if (/\.checkpoint\.parquet$/.test(path) ? keepsCheckpoints : isData(path) && this.chance(0.5)) continue;
      await this.at.store.delete(path);
    }
    for (const [path, bytes] of picture)
      if (!(path === pointer && keepsPointer)) await this.at.store.put(path, bytes);
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof TributaryError)) throw error;
      if (error.code === 'delta.hole') {
        await repairLog({ at: this.at });
      } else if (error.code !== 'delta.contention' && !isDamage(error)) throw error;
    }
  }

  /** Nothing goes back any more: all events up to this number are ingested, and loaded. */
  async settle(events: number): Promise<void> {
    this.#pictures = [];
    for (let rounds = 0; rounds < 2000; rounds++) {
      const next = [await this.ingest(0), await this.ingest(1), await this.ingest(2)];
      if (next.every((one) => one > events)) break;
    }
    for (let rounds = 0; rounds < 10; rounds++) await this.load();
  }

  async result() {
    const snapshot = await openSnapshot(this.at);
    const ids = snapshot && (await idsOf(snapshot, [...snapshot.files.values()]));
    return { table: ids && countsOf(ids), loaded: this.#loaded, txns: snapshot?.txns };
  }
}

const isData = (path: string): boolean => /\/part-[^/]*\.parquet$/.test(path);

const countsOf = (ids: readonly number[]): Map<number, number> => {
  const counts = new Map<number, number>();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
};

/** The ids in data files; undefined where one is gone. */
async function idsOf(
  state: TableState,
  files: Snapshot['files'] extends ReadonlyMap<string, infer Add> ? readonly Add[] : never,
): Promise<number[] | undefined> {
  const ids: number[] = [];
  try {
    for (const file of files)
      ids.push(...((await readDataFile(state, file, ['id'])).columns.get('id') ?? []).map(Number));
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  }
  return ids;
}

const seed = Number(process.env.MODEL_SEED ?? 1);
const worlds = Number(process.env.MODEL_WORLDS ?? 12);

describe('a store that goes back in time at any moment', () => {
  it.each(Array.from({ length: worlds }, (_, i) => seed + i))(
    'loses no event and brings no row to life again (seed %d)',
    async (seed) => {
      const world = new World(seed);
      for (let steps = 0; steps < 250; steps++) await world.step();
      await world.settle(60);
      const { table, loaded, txns } = await world.result();
      const expected = new Map<number, number>();
      partitions.forEach((appId, index) => {
        const last = txns?.get(appId)?.version ?? -1;
        expect(last).toBeGreaterThanOrEqual(60);
        for (let id = 0; id <= last; id++) expected.set(index * 1_000_000 + id, 1);
      });
      const sorted = (counts: ReadonlyMap<number, number> | undefined) =>
        [...(counts ?? [])].sort(([a], [b]) => a - b);
      expect(sorted(table)).toEqual(sorted(expected));
      expect(sorted(loaded)).toEqual(sorted(table));
    },
  );
});
