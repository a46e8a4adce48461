import { beforeEach, describe, expect, it } from 'vitest';
import { cachedStatePath } from '../../../src/lib/counts/cachedState';
import type { Counts, CountsOptions } from '../../../src/lib/counts/counts';
import { idOfKeys } from '../../../src/lib/counts/kept';
import type { Key } from '../../../src/lib/counts/keys';
import { verifyCounts } from '../../../src/lib/counts/verifyCounts';
import { openState } from '../../../src/lib/delta/openTable';
import { hourMs } from '../../../src/lib/duration';
import { TributaryError } from '../../../src/lib/errors';
import { countedClicks } from '../../../src/lib/streams/clickstream';
import { ClicksTable } from './clicksTable';
import { cachedState, FaultyStore, openCounts } from './countsStand';

let store: FaultyStore;
let table: ClicksTable;
let nowMs: number;
let preferred: { keys: ReadonlySet<Key>; tag: string | undefined };
let warnings: string[];
beforeEach(async () => {
  nowMs = Date.now();
  store = new FaultyStore('memory', () => nowMs);
  table = await new ClicksTable(store).create();
  preferred = { keys: new Set(), tag: '' };
  warnings = [];
});

const open = (options: Partial<CountsOptions> = {}) =>
  openCounts(table.at, {
    maxKeys: 3,
    preferred: async () => preferred,
    now: () => nowMs,
    warn: (message) => warnings.push(message),
    ...options,
  });

/** What the counts tell: version, total, clicks of the kept products, all others, and the most of one of these. */
async function told(counts: Counts) {
  const { version, mark, alone, tally } = await counts.current();
  const clicks = Object.fromEntries(tally.ranked().map((index) => [tally.keys[index], tally.counts[index]]));
  const { folded } = tally;
  return {
    version,
    mark,
    alone,
    total: tally.total,
    clicks,
    other: folded?.total ?? 0,
    most: folded?.most ?? 0,
  };
}

const keptVersion = async () => (await openState(table.at))?.txns.get('counts/kept')?.version;

/** No decision can be written from now on. */
function refuseDecisions(): void {
  const putIfAbsent = store.putIfAbsent.bind(store);
  store.putIfAbsent = async (path, bytes) => {
    if (path.includes('/_counts/')) throw new TributaryError('storage.refused', 'No such right.');
    return putIfAbsent(path, bytes);
  };
}

/** Clicks on products: so many on each of the first, and then one on each of the others. */
async function click(clicks: Record<number, number>, ...others: number[]) {
  const products = Object.entries(clicks).flatMap(([id, count]) => Array<number>(count).fill(Number(id)));
  await table.click(...products, ...others);
}

describe('more products than are counted on their own', () => {
  it('end nothing: the most clicked are kept, equal ones by id, and the rest is counted as one', async () => {
    await click({ 7: 4, 5: 2 }, 9, 3, 8);
    const counts = open();
    expect(await told(counts)).toMatchObject({
      version: 2,
      total: 9,
      clicks: { 7: 4, 5: 2, 3: 1 },
      other: 2,
    });
    await table.click(8, 9, 10, 7);
    expect(await told(counts)).toMatchObject({
      version: 3,
      total: 13,
      clicks: { 7: 5, 5: 2, 3: 1 },
      other: 5,
    });
    expect(warnings).toEqual([]);
  });

  it('are folded from the counts in memory, or in the cached state, without reading a file again', async () => {
    await table.click(1, 1, 2);
    const [first, second] = [open(), open()];
    await first.save();
    await told(second);
    const late = open();
    await table.click(3, 3, 4);
    store.reads = [];
    for (const counts of [first, second, late])
      expect(await told(counts)).toMatchObject({ version: 3, clicks: { 1: 2, 3: 2, 2: 1 }, other: 1 });
    const newest = (await table.paths()).at(-1);
    expect(new Set(store.dataFiles())).toEqual(new Set([newest]));
  });

  it('are folded from the counts in memory also where no state is cached', async () => {
    await table.click(1, 1, 2);
    const counts = open();
    await told(counts);
    await table.click(3, 3, 4);
    store.reads = [];
    expect(await told(counts)).toMatchObject({ version: 3, clicks: { 1: 2, 3: 2, 2: 1 }, other: 1 });
    expect(new Set(store.dataFiles())).toEqual(new Set([(await table.paths()).at(-1)]));
  });

  it('that come later are folded by this instance alone if the decision cannot be shared', async () => {
    await table.click(1, 1, 2);
    const counts = open();
    await told(counts);
    refuseDecisions();
    await table.click(3, 3, 4);
    store.reads = [];
    expect(await told(counts)).toMatchObject({
      version: 2,
      alone: expect.stringMatching(/^[0-9a-f]{8}$/),
      clicks: { 1: 2, 3: 2, 2: 1 },
      other: 1,
    });
    expect(new Set(store.dataFiles())).toEqual(new Set([(await table.paths()).at(-1)]));
  });

  it('than there was room for when the counts were cached are folded from the cached state alone', async () => {
    await click({ 1: 3, 2: 2 }, 3, 4, 5);
    await open({ maxKeys: 10 }).save();
    store.reads = [];
    expect(await told(open())).toMatchObject({ total: 8, clicks: { 1: 3, 2: 2, 3: 1 }, other: 2 });
    expect(store.dataFiles()).toEqual([]);
    expect(await keptVersion()).toBe(1);
  });

  it('than there was room for are folded from the cached state also by an instance that may not write', async () => {
    await click({ 1: 3, 2: 2 }, 3, 4, 5);
    await open({ maxKeys: 10 }).save();
    refuseDecisions();
    store.reads = [];
    expect(await told(open())).toMatchObject({
      total: 8,
      clicks: { 1: 3, 2: 2, 3: 1 },
      other: 2,
      alone: expect.stringMatching(/^[0-9a-f]{8}$/),
    });
    expect([store.dataFiles(), await keptVersion()]).toEqual([[], undefined]);
  });

  it('are no reason to decide while all have room', async () => {
    await table.click(1, 2, 3);
    const counts = open();
    await counts.save();
    expect(await told(counts)).toMatchObject({ version: 1, other: 0 });
    expect(await keptVersion()).toBeUndefined();
    expect((await counts.current()).tally.folded).toBeUndefined();
    expect(await counts.decideAnewIfDue()).toBe('not-due');
  });

  it('keep the preferred ones first, even those without a click, and of too many of these the most clicked', async () => {
    preferred = { keys: new Set([90, 2]), tag: 'a' };
    await click({ 1: 5, 2: 1, 3: 4, 4: 3 });
    const counts = open();
    expect(await told(counts)).toMatchObject({ clicks: { 1: 5, 2: 1 }, other: 7 });
    await table.click(90);
    expect(await told(counts)).toMatchObject({ clicks: { 1: 5, 2: 1, 90: 1 }, other: 7 });

    table = await new ClicksTable(store, 'named').create();
    preferred = { keys: new Set([4, 3, 2, 90]), tag: 'b' };
    await click({ 1: 5, 2: 1, 3: 4, 4: 3 });
    expect(await told(open())).toMatchObject({ clicks: { 2: 1, 3: 4, 4: 3 }, other: 5 });
  });

  it('have a bound on the clicks of one that is folded', async () => {
    await click({ 1: 9, 2: 9, 3: 9, 4: 5 }, 6, 7, 8);
    const { most, other } = await told(open());
    expect(other).toBe(8);
    expect(most).toBeGreaterThanOrEqual(5);
    expect(most).toBeLessThanOrEqual(8);
  });
});

describe('instances at one version', () => {
  /** The answers of instances that got there by every way there is. */
  async function allTold(...others: Counts[]) {
    const cached = await store.get(cachedStatePath('clicks'));
    const answers = [await told(open())];
    await store.delete(cachedStatePath('clicks'));
    answers.push(await told(open()));
    if (cached) await store.put(cachedStatePath('clicks'), cached.bytes);
    for (const counts of others) answers.push(await told(counts));
    return answers;
  }

  async function expectAllEqual(...others: Counts[]) {
    const [first, ...rest] = await allTold(...others);
    expect(first?.alone).toBeUndefined();
    for (const answer of rest) expect(answer).toEqual(first);
    return first;
  }

  it('tell the same, from the files, from the log and from a cached state, before and after a decision', async () => {
    await table.click(1, 1, 2);
    const early = open();
    await told(early);
    await early.save();
    await table.click(3, 3);
    await expectAllEqual(early);
    // Too many: whoever looks first decides, and the others follow, also one that stands far behind.
    const late = open();
    await told(late);
    await click({ 4: 5, 5: 2 });
    expect(await expectAllEqual(early, late)).toMatchObject({
      total: 12,
      clicks: { 4: 5, 1: 2, 3: 2 },
      other: 3,
    });
    await early.save();
    // Products that come later, and folded ones that overtake, are folded everywhere until it is decided anew.
    await click({ 6: 9, 5: 9 }, 1);
    expect(await expectAllEqual(early, late)).toMatchObject({ clicks: { 4: 5, 1: 3, 3: 2 }, other: 21 });
    nowMs += 25 * hourMs;
    await table.click(2);
    expect(await early.decideAnewIfDue()).toBe('decided');
    expect(await keptVersion()).toBe(2);
    expect(await expectAllEqual(early, late)).toMatchObject({
      total: 32,
      clicks: { 5: 11, 6: 9, 4: 5 },
      other: 7,
    });
    await table.click(6, 1);
    expect(await expectAllEqual(early, late)).toMatchObject({
      total: 34,
      clicks: { 5: 11, 6: 10, 4: 5 },
      other: 8,
    });
  });

  it('tell the same when both decide at once, from counts that differ', async () => {
    await table.click(1, 1, 2);
    const behind = open();
    await told(behind);
    await table.click(3, 4, 4);
    const putIfAbsent = store.putIfAbsent.bind(store);
    let isFirst = true;
    store.putIfAbsent = async (path, bytes) => {
      if (isFirst && path.includes('/_counts/kept/')) {
        isFirst = false;
        await table.click(5, 5, 5);
        expect(await told(open())).toMatchObject({ clicks: { 5: 3, 1: 2, 4: 2 } });
      }
      return putIfAbsent(path, bytes);
    };
    expect(await told(behind)).toMatchObject({ version: 4, clicks: { 5: 3, 1: 2, 4: 2 }, other: 2 });
    expect(isFirst).toBe(false);
    await expectAllEqual(behind);
  });

  it('tell the same after rows were deleted', async () => {
    await click({ 1: 3, 2: 2, 3: 2, 4: 1 });
    const counts = open();
    await counts.save();
    await table.replaceAll([{ productid: 4 }, { productid: 1 }, { productid: 9 }], true);
    expect(await expectAllEqual(counts)).toMatchObject({ total: 3, clicks: { 1: 1 }, other: 2 });
    // There is room for all again, which the next decision finds.
    nowMs += 25 * hourMs;
    await table.click(9);
    expect(await counts.decideAnewIfDue()).toBe('decided');
    expect(await expectAllEqual(counts)).toMatchObject({ total: 4, clicks: { 9: 2, 1: 1, 4: 1 }, other: 0 });
    await table.click(5);
    expect(await expectAllEqual(counts)).toMatchObject({ total: 5, clicks: { 9: 2, 1: 1, 4: 1 }, other: 1 });
  });

  it('tell the same after storage went back in time beyond the decision', async () => {
    await click({ 1: 3, 2: 2 });
    const counts = open();
    await counts.save();
    await table.click(3, 4);
    await told(counts);
    await counts.save();
    await table.goBackTo(1);
    await table.click(8, 8, 8, 9, 9);
    expect(await expectAllEqual(counts)).toMatchObject({ total: 10, clicks: { 1: 3, 8: 3, 2: 2 }, other: 2 });
    await counts.save();
    await expectAllEqual(counts);
  });

  it('decide anew when the file of the decision is gone', async () => {
    await click({ 1: 3, 2: 2, 3: 2, 4: 1 });
    const counts = open();
    await counts.save();
    await table.click(4, 4, 4);
    await store.delete('clicks/_counts/kept/1.json');
    expect(await told(open())).toMatchObject({ clicks: { 4: 4, 1: 3, 2: 2 }, other: 2 });
    await expectAllEqual(counts);
  });

  it('never add counts to a cached state of another decision', async () => {
    await click({ 1: 3, 2: 2, 3: 2, 4: 1 });
    const counts = open();
    await counts.save();
    const before = await store.get(cachedStatePath('clicks'));
    await table.click(4, 4, 4);
    nowMs += 25 * hourMs;
    await table.click(5);
    await counts.decideAnewIfDue();
    await store.put(cachedStatePath('clicks'), before?.bytes ?? new Uint8Array());
    expect(await told(open())).toMatchObject({ clicks: { 4: 4, 1: 3, 2: 2 }, other: 3 });
    await expectAllEqual(counts);
  });
});

describe.each([1, 2, 3, 4, 5, 6])('instances that do anything in any order (%d)', (seed) => {
  it('tell the same and the truth at every version', async () => {
    const draw = drawFrom(seed);
    const instances = [open(), open(), open()];
    const any = () => instances[draw(3)] ?? open();
    const clicks: number[][] = [[]];
    for (let step = 0; step < 25; step++) {
      switch (draw(8)) {
        case 0:
          await any().save();
          break;
        case 1:
          nowMs += 13 * hourMs;
          if (draw(2) === 0) preferred = { keys: new Set([draw(12), draw(12)]), tag: String(step) };
          await any().decideAnewIfDue();
          break;
        case 2:
          instances[draw(3)] = open();
          break;
        case 3:
          if (draw(3) === 0) await store.delete(cachedStatePath('clicks'));
          break;
        default: {
          const products = Array.from({ length: 1 + draw(4) }, () => draw(1 + draw(12)));
          await table.click(...products);
          clicks.push(products);
        }
      }
      if (draw(3) > 0) continue;
      const rows = clicks.flat();
      await told(any());
      const answers = [];
      for (const counts of [open(), ...instances]) answers.push(await told(counts));
      for (const answer of answers) expect(answer).toEqual(answers[0]);
      expectTruth(answers[0], rows);
    }
  });
});

/** Each kept product has its clicks, the total is all, and no other product has more than the bound. */
function expectTruth(answer: Awaited<ReturnType<typeof told>> | undefined, rows: readonly number[]): void {
  const counts = Map.groupBy(rows, (product) => product);
  const folded = new Map(counts);
  for (const [product, clicks] of Object.entries(answer?.clicks ?? {})) {
    expect(clicks).toBe(counts.get(Number(product))?.length);
    folded.delete(Number(product));
  }
  const others = [...folded.values()].map(({ length }) => length);
  expect(answer).toMatchObject({ total: rows.length, other: others.reduce((sum, one) => sum + one, 0) });
  expect(answer?.most).toBeGreaterThanOrEqual(Math.max(0, ...others));
}

function drawFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe('a decision', () => {
  const folding = async () => {
    await click({ 1: 3, 2: 2, 3: 2, 4: 1 });
    const counts = open();
    await counts.save();
    return counts;
  };

  it('is made anew once a day', async () => {
    const counts = await folding();
    await table.click(4, 4, 4);
    nowMs += 23 * hourMs;
    await table.click(1);
    expect(await counts.decideAnewIfDue()).toBe('not-due');
    nowMs += hourMs;
    await table.click(1);
    expect(await counts.decideAnewIfDue()).toBe('decided');
    expect(await told(counts)).toMatchObject({ clicks: { 1: 5, 4: 4, 2: 2 }, other: 2 });
    expect(await counts.decideAnewIfDue()).toBe('not-due');
  });

  it('is not made anew while the preferred products cannot be read, and is within the hour after', async () => {
    preferred = { keys: new Set([90]), tag: 'a' };
    const counts = open();
    await click({ 1: 5, 2: 4, 3: 3 }, 90);
    expect(await told(counts)).toMatchObject({ clicks: { 90: 1 } });
    const known = preferred;
    preferred = { keys: new Set(), tag: undefined };
    nowMs += 25 * hourMs;
    await table.click(1);
    expect(await counts.decideAnewIfDue()).toBe('not-due');
    expect(await told(counts)).toMatchObject({ clicks: { 90: 1 } });
    // The first decision cannot wait.
    table = await new ClicksTable(store, 'unread').create();
    await click({ 1: 5, 2: 4, 3: 3 }, 90);
    const other = open();
    expect(await told(other)).toMatchObject({ clicks: { 1: 5, 2: 4, 3: 3 }, other: 1 });
    preferred = known;
    nowMs += hourMs;
    await table.click(1);
    expect(await other.decideAnewIfDue()).toBe('decided');
    expect(await told(other)).toMatchObject({ clicks: { 90: 1 } });
  });

  it('is made anew within the hour after the preferred products or the limit changed', async () => {
    const counts = await folding();
    preferred = { keys: new Set([4]), tag: 'new' };
    nowMs += hourMs / 2;
    await table.click(1);
    expect(await counts.decideAnewIfDue()).toBe('not-due');
    nowMs += hourMs / 2;
    await table.click(1);
    expect(await counts.decideAnewIfDue()).toBe('decided');
    expect(await told(counts)).toMatchObject({ clicks: { 1: 5, 2: 2, 4: 1 }, other: 2 });
    nowMs += hourMs;
    await table.click(1);
    const larger = open({ maxKeys: 10 });
    expect(await told(larger)).toMatchObject({ other: 2 });
    expect(await larger.decideAnewIfDue()).toBe('decided');
    expect(await told(larger)).toMatchObject({ clicks: { 1: 6, 2: 2, 3: 2, 4: 1 }, other: 0 });
  });

  it('is found with its counts in the cached state, so that no instance reads the files again', async () => {
    const counts = await folding();
    const other = open();
    await told(other);
    await table.click(4, 4, 4);
    nowMs += 25 * hourMs;
    await table.click(1);
    expect(await told(other)).toMatchObject({ clicks: { 1: 4, 2: 2, 3: 2 } });
    await counts.decideAnewIfDue();
    store.reads = [];
    expect(await told(other)).toMatchObject({ clicks: { 1: 4, 4: 4, 2: 2 } });
    expect(store.dataFiles()).toEqual([]);
  });

  it('that keeps the same products leaves the counts as they are', async () => {
    const counts = await folding();
    const { tally } = await counts.current();
    nowMs += 25 * hourMs;
    await table.click(1);
    expect(await counts.decideAnewIfDue()).toBe('decided');
    store.reads = [];
    expect((await counts.current()).tally).toBe(tally);
    expect(store.dataFiles()).toEqual([]);
    expect(await counts.decideAnewIfDue()).toBe('not-due');
  });

  it('is given up when its time is over, and the one in force stays', async () => {
    const counts = await folding();
    await table.append(Array.from({ length: 5000 }, () => ({ productid: 4 })));
    nowMs += 25 * hourMs;
    await table.click(1);
    await expect(counts.decideAnewIfDue(AbortSignal.abort(new Error('late')))).rejects.toThrow('late');
    expect(await told(counts)).toMatchObject({ clicks: { 1: 4, 2: 2, 3: 2 }, other: 5001 });
  });

  it('that can never be put in the log leaves no file behind, however often it is tried', async () => {
    await click({ 1: 3, 2: 2, 3: 2, 4: 1 });
    const { version = -1 } = (await openState(table.at)) ?? {};
    const protocol = { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['somethingNew'] };
    await table.putEntry(version + 1, [{ protocol }]);
    const counts = open();
    for (let pass = 0; pass < 3; pass++) await counts.save();
    expect(await told(counts)).toMatchObject({
      clicks: { 1: 3, 2: 2, 3: 2 },
      other: 1,
      alone: expect.any(String),
    });
    const files: string[] = [];
    for await (const { path } of store.list('clicks/_counts/kept/')) files.push(path);
    expect(files).toEqual([]);
  });

  it('that cannot be shared is followed alone, which the counts say, and shared by the next save', async () => {
    await click({ 1: 3, 2: 2, 3: 2, 4: 1 });
    const putIfAbsent = store.putIfAbsent.bind(store);
    store.putIfAbsent = async (path, bytes) => {
      if (path.includes('/_counts/')) throw new TributaryError('storage.refused', 'No such right.');
      return putIfAbsent(path, bytes);
    };
    const counts = open();
    expect(await told(counts)).toMatchObject({
      version: 1,
      alone: expect.stringMatching(/^[0-9a-f]{8}$/),
      clicks: { 1: 3, 2: 2, 3: 2 },
      other: 1,
    });
    expect(warnings).toEqual([expect.stringContaining('No such right.')]);
    await table.click(5);
    expect(await told(counts)).toMatchObject({ version: 2, clicks: { 1: 3, 2: 2, 3: 2 }, other: 2 });
    await counts.save();
    expect(await store.get(cachedStatePath('clicks'))).toBeUndefined();
    store.putIfAbsent = putIfAbsent;
    await counts.save();
    expect(await told(counts)).toMatchObject({ version: 3, alone: undefined, other: 2 });
    expect(await told(open())).toEqual(await told(counts));
    await counts.save();
    expect((await cachedState(store)).version).toBe(3);
  });
});

it('the id of a decision tells its keys, in whatever order they were chosen', () => {
  const ids = [[1, 2, 'a'], ['a', 2, 1], [1, 2], [1, 2, 'b'], ['1', 2, 'a'], []].map((keys) =>
    idOfKeys(new Set(keys)),
  );
  expect(ids[1]).toBe(ids[0]);
  expect(new Set(ids).size).toBe(5);
  expect(idOfKeys(undefined)).toBe('');
  // It stands in the logs of tables, so that other releases must come to the same.
  expect(idOfKeys(new Set([2, 'a', 1]))).toBe('f1bd1f329fbf1e15e469a3786848eb39');
});

describe('verifying folded counts', () => {
  const verify = (maxKeys = 3) => verifyCounts({ at: table.at, counted: countedClicks, maxKeys });

  it('writes nothing, whether a decision was made or not', async () => {
    await click({ 1: 3, 2: 2, 3: 2, 4: 1 });
    expect(await verify()).toMatchObject({ version: 1, total: 8, folded: 1, different: 0 });
    expect((await openState(table.at))?.version).toBe(1);
    await open().save();
    await table.click(5);
    expect(await verify()).toMatchObject({ version: 3, cachedVersion: 2, total: 9, folded: 2, different: 0 });
    // What was decided counts, and not the limit.
    expect(await verify(1)).toMatchObject({ version: 3, total: 9, folded: 2, different: 0 });
  });

  it.each([
    ['a kept product', /"counts":\[3,/, '"counts":[4,', '1'],
    ['all others', /("shared":\[\[\d+\],)\[1\]/, '$1[2]', 'all others'],
  ])('notices a wrong count of %s', async (_what, pattern, wrong, of) => {
    await click({ 1: 3, 2: 2, 3: 2, 4: 1 });
    await open().save();
    const text = Buffer.from((await store.get(cachedStatePath('clicks')))?.bytes ?? []).toString('utf8');
    expect(text).toMatch(pattern);
    await store.put(cachedStatePath('clicks'), Buffer.from(text.replace(pattern, wrong)));
    const found = await verify();
    expect(found?.different).toBeGreaterThan(0);
    expect(found?.examples.map((example) => example.of)).toContain(of);
  });
});
