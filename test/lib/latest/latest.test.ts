import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { openState } from '../../../src/lib/delta/openTable';
import { hourMs } from '../../../src/lib/duration';
import { LatestFold, type LatestOptions } from '../../../src/lib/latest/latest';
import { latestStatePath } from '../../../src/lib/latest/latestState';
import { timedSpans } from '../../../src/lib/latest/timedRows';
import { seededRandom } from '../../../src/lib/sources/seededRandom';
import { FaultyStore } from '../counts/countsStand';
import { duckDbOfTests } from '../delta/parquet/duckdb';
import { latest, type Price, PricesTable } from './pricesTable';

let store: FaultyStore;
let table: PricesTable;
beforeEach(async () => {
  store = new FaultyStore();
  table = await new PricesTable(store).create();
});

const open = (options: Partial<LatestOptions> = {}) =>
  new LatestFold({ at: table.at, latest, refreshMs: 0, ...options });

const now = Math.floor(Date.now() / hourMs) * hourMs;

/** Each key's newest row, and that of each hour, in an order of their own. */
async function told(fold: LatestFold) {
  const { state, rows } = await fold.current();
  const { keys, times, columns } = rows.newest;
  const newest = keys.map((key, index) => [key, times[index], ...columns.map((values) => values[index])]);
  const [hours = [], days = []] = [rows.history?.hours, rows.history?.days].map((timed) =>
    [...(timed?.parts() ?? [])].flatMap(([bucket, of]) =>
      of.keys.map((key, index) => [
        bucket,
        key,
        of.times[index],
        ...of.columns.map((values) => values[index]),
      ]),
    ),
  );
  const inOrder = (list: unknown[][]) => list.sort((a, b) => (String(a) < String(b) ? -1 : 1));
  return {
    version: state?.version ?? -1,
    newest: inOrder(newest),
    hours: inOrder(hours),
    days: inOrder(days),
  };
}

/** Prices by key, and the version. */
async function prices(fold: LatestFold) {
  const { version, newest } = await told(fold);
  return { version, ...Object.fromEntries(newest.map(([key, , price]) => [key, price])) };
}

const stateText = async () =>
  Buffer.from((await store.get(latestStatePath('prices')))?.bytes ?? []).toString('utf8');

describe('the newest rows', () => {
  it('are none before there is a table, and follow it from its first row on', async () => {
    const none = new LatestFold({ at: { store, table: 'nothing' }, latest, refreshMs: 0 });
    expect(await prices(none)).toEqual({ version: -1 });
    const fold = open();
    expect(await prices(fold)).toEqual({ version: 0 });
    await table.append([
      { id: 'a', at: now, price: 1 },
      { id: 'a', at: now - 1, price: 9 },
      { id: null, at: now, price: 9 },
      { id: 'c', at: null, price: 9 },
    ]);
    expect(await prices(fold)).toEqual({ version: 1, a: 1 });
    // A row that is older than the one that is known, and comes late.
    await table.append([
      { id: 'a', at: now - 5000, price: 8 },
      { id: 'b', at: now - 5000, price: 2 },
    ]);
    expect(await prices(fold)).toEqual({ version: 2, a: 1, b: 2 });
    await table.append([{ id: 'b', at: now, price: null }]);
    expect(await prices(fold)).toEqual({ version: 3, a: 1, b: null });
  });

  it.each([
    [true, { version: 2, a: 1 }],
    [false, { version: 2, a: 1, b: 2 }],
  ])(
    'are read anew after another engine deleted rows, and go on after it rewrote files',
    async (isDelete, expected) => {
      const fold = open();
      const all = [
        { id: 'a', at: now, price: 1 },
        { id: 'b', at: now, price: 2 },
      ];
      await table.append(all);
      expect(await prices(fold)).toEqual({ version: 1, a: 1, b: 2 });
      await table.replaceAll(isDelete ? all.slice(0, 1) : all, isDelete);
      store.reads = [];
      expect(await prices(fold)).toEqual(expected);
      expect(store.dataFiles().length > 0).toBe(isDelete);
    },
  );

  it('keep what was folded when a read fails, and go on from it', async () => {
    const fold = open();
    await table.append([{ id: 'a', at: now, price: 1 }]);
    await fold.current();
    await table.append([{ id: 'a', at: now + 1, price: 2 }]);
    store.fault = (path) => (path.endsWith('.parquet') ? 503 : undefined);
    await expect(fold.current()).rejects.toMatchObject({ code: 'storage.unavailable' });
    store.fault = () => undefined;
    expect(await prices(fold)).toEqual({ version: 2, a: 2 });
  });
});

describe('a log that went back and grew', () => {
  it.each([1, 2, 3])('by %i is noticed in memory, and with the state that was saved', async (commits) => {
    const fold = open();
    await table.append([{ id: 'a', at: now, price: 1 }]);
    await table.append([{ id: 'a', at: now + 1, price: 2 }]);
    await table.append([{ id: 'lost', at: now + 1, price: 3 }]);
    expect(await fold.save()).toBe('saved');
    await table.goBackTo(1);
    for (let n = 0; n < commits; n++) await table.append([{ id: 'new', at: now, price: 4 }]);
    const expected = { version: 1 + commits, a: 1, new: 4 };
    expect(await prices(open())).toEqual(expected);
    expect(await prices(fold)).toEqual(expected);
    expect(await fold.save()).toBe('saved');
    store.reads = [];
    expect(await prices(open())).toEqual(expected);
    expect(store.dataFiles()).toEqual([]);
  });
});

describe('the saved state', () => {
  beforeEach(async () => {
    await table.append([
      { id: 'a', at: now, price: 1, name: 'Ä' },
      { id: 'a', at: now - 2 * hourMs, price: 2, name: 'A' },
    ]);
    await table.append([{ id: 'b', at: now, price: null, name: null }]);
    await open().save();
    store.reads = [];
  });

  it('lets a new instance begin without reading files, and read those of later commits alone', async () => {
    const before = await told(open());
    expect(store.dataFiles()).toEqual([]);
    expect(before.hours).toHaveLength(3);
    await table.append([{ id: 'b', at: now + 1, price: 3 }]);
    expect(await prices(open())).toEqual({ version: 3, a: 1, b: 3 });
    expect(new Set(store.dataFiles()).size).toBe(1);
    expect(await open().save()).toBe('saved');
    expect(await open().save()).toBe('current');
  });

  it('is written by one of several instances, and never replaced by an older one', async () => {
    const [slow, rival] = [open(), open()];
    await slow.current();
    await table.append([{ id: 'b', at: now + 1, price: 3 }]);
    await rival.current();
    // The slow one has not seen the newer version, and knows the state that the rival replaces.
    slow.current = async () => rival.current();
    expect(await rival.save()).toBe('saved');
    expect(await slow.save()).toBe('current');
    expect(JSON.parse(await stateText()).version).toBe(3);
    const saving = [open(), open(), open()];
    await table.append([{ id: 'c', at: now, price: 4 }]);
    const outcomes = await Promise.all(saving.map((fold) => fold.save()));
    expect(outcomes.filter((outcome) => outcome === 'saved')).toHaveLength(1);
    store.reads = [];
    expect(await prices(open())).toEqual({ version: 4, a: 1, b: 3, c: 4 });
    expect(store.dataFiles()).toEqual([]);
  });

  it('is not taken for one of another declaration', async () => {
    const other = open({ latest: { ...latest, columns: ['name', 'price'] } });
    const { newest } = await told(other);
    expect(newest[0]).toEqual(['a', now * 1000, 'Ä', 1]);
    expect(store.dataFiles().length).toBeGreaterThan(0);
  });

  it.each([
    ['no JSON', (text: string) => text.slice(1)],
    ['another format', (text: string) => text.replace('"format":1', '"format":0')],
    ['a value too few', (text: string) => text.replace('"Ä",', '')],
    ['a value that is none', (text: string) => text.replace('"Ä"', '{}')],
    ['a key twice', (text: string) => text.replace('"b"', '"a"')],
    ['hours that are none', (text: string) => text.replace('"buckets":[[', '"buckets":[[[0],')],
    ['no hours', (text: string) => text.replace('"hours":', '"days":')],
  ])('is not used with %s, and replaced', async (_what, change) => {
    const text = await stateText();
    expect(change(text)).not.toBe(text);
    await store.put(latestStatePath('prices'), Buffer.from(change(text)));
    const fold = open();
    expect(await prices(fold)).toEqual({ version: 2, a: 1, b: null });
    expect(store.dataFiles().length).toBeGreaterThan(0);
    expect(await fold.save()).toBe('saved');
    expect(JSON.parse(await stateText())).toEqual(JSON.parse(text));
  });
});

describe('against DuckDB', () => {
  const { duckdb, folder } = duckDbOfTests();

  /** The newest row of each group in the live files. */
  async function inDuckDb(
    group: string,
    ordered: string,
    span?: keyof typeof timedSpans,
  ): Promise<unknown[][]> {
    const { bucketMs, kept } = timedSpans[span ?? 'hours'];
    const { storedAt = now } = (await openState(table.at)) ?? {};
    const oldest = (Math.floor(storedAt / bucketMs) - kept + 1) * bucketMs;
    const files = (await table.liveFiles()).map((bytes, index) => {
      const path = join(folder, `${index}.parquet`);
      writeFileSync(path, bytes);
      return `'${path}'`;
    });
    return duckdb.rows(`
      select ${group}, epoch_us("at"), ${ordered}
      from (select *, floor(epoch_ms("at") / ${bucketMs})::double as bucket from read_parquet([${files}]))
      where id is not null and "at" is not null
        ${span ? `and "at" <= enqueued_at + interval 1 hour and "at" >= to_timestamp(${oldest / 1000})` : ''}
      qualify row_number() over (partition by ${group} order by "at" desc, ${ordered
        .split(', ')
        .map((name) => `${name} desc nulls last`)
        .join(', ')}) = 1`);
  }

  const asTexts = (rows: readonly unknown[][]) => rows.map((row) => row.map(String).join('|')).sort();

  it('tells the same rows, by whatever steps it came to the version, with equal times and late rows', async () => {
    const random = seededRandom(19);
    const pick = (below: number) => Math.floor(random() * below);
    const made = (): Price => {
      const at = now - pick(900) * hourMs * (pick(4) === 0 ? 1 : 0.01);
      return {
        id: pick(50) === 0 ? null : `asset ${pick(20)}`,
        at: pick(50) === 0 ? null : Math.floor(at / 60_000) * 60_000,
        price: pick(5) === 0 ? null : pick(8) / 4,
        name: pick(3) === 0 ? null : (['x', 'Y', 'ß', ''][pick(4)] ?? null),
        enqueuedAt: pick(9) === 0 ? (pick(2) === 0 ? null : at - 2 * hourMs) : at,
      };
    };
    const stepwise = open();
    for (let commit = 0; commit < 12; commit++) {
      await table.append(Array.from({ length: 60 }, made));
      await stepwise.current();
      if (commit === 6) await stepwise.save();
    }
    const fromState = open();
    await fromState.current();
    await store.delete(latestStatePath('prices'));
    const fromFiles = open();
    const expected = {
      newest: asTexts(await inDuckDb('id', 'price, name')),
      hours: asTexts(await inDuckDb('bucket, id', 'price', 'hours')),
      days: asTexts(await inDuckDb('bucket, id', 'price', 'days')),
    };
    expect(expected.hours.length).toBeGreaterThan(100);
    expect(expected.days.length).toBeGreaterThan(100);
    for (const fold of [stepwise, fromState, fromFiles]) {
      const { version, newest, hours, days } = await told(fold);
      expect(version).toBe(12);
      expect({ newest: asTexts(newest), hours: asTexts(hours), days: asTexts(days) }).toEqual(expected);
    }
  });
});
