import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  type CachedState,
  cachedStateFile,
  cachedStatePath,
  parseCachedState,
} from '../../../src/lib/counts/cachedState';
import { putCommit } from '../../../src/lib/delta/commit';
import { openState } from '../../../src/lib/delta/openTable';
import { TributaryError } from '../../../src/lib/errors';
import { checkpoint } from '../../../src/lib/maintenance/checkpoint';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { countedClicks } from '../../../src/lib/streams/clickstream';
import { CountsStand, cachedState, cachedText, counted, putCached } from './countsStand';
import { plainBuckets, plainTally } from './plainTally';

let stand: CountsStand;
beforeEach(async () => {
  stand = await CountsStand.create();
});

const base64 = (...bytes: number[]) => Buffer.from(bytes).toString('base64');

describe('the cached state', () => {
  it('saves a new instance the reading of the files, and holds the same', async () => {
    const at = stand.nowMs - 90_000;
    await stand.table.append([
      { productid: 1, at },
      { productid: 2, at: at - 7_200_000 },
    ]);
    const first = stand.open();
    expect(await first.save()).toBe('saved');
    expect(await first.save()).toBe('current');
    await stand.table.click(2);
    stand.store.reads = [];
    const second = stand.open();
    expect(await counted(second)).toEqual({ version: 2, total: 3, clicks: { 1: 1, 2: 2 } });
    expect(stand.store.dataFiles()).toHaveLength(1);
    const fromFiles = plainTally((await first.current()).tally);
    expect(fromFiles.days).toHaveLength(
      1 + Number(new Date(at).getUTCDate() !== new Date(at - 7_200_000).getUTCDate()),
    );
    expect(plainTally((await second.current()).tally)).toEqual(fromFiles);
  });

  it('is written by an instance that has moved far past it, and then left alone for as long', async () => {
    const counts = stand.open();
    for (let version = 1; version <= 199; version++) {
      const description = { operation: 'WRITE', isBlindAppend: true };
      await putCommit(stand.table.at, version, [], description);
    }
    await counts.current();
    await counts.current();
    expect((await cachedState(stand.store)).version).toBe(199);
    await stand.table.click(1);
    await counts.current();
    await counts.current();
    expect((await cachedState(stand.store)).version).toBe(199);
  });

  it('of a newer version is never replaced by an older one', async () => {
    await stand.table.click(1);
    const slow = stand.open();
    await slow.current();
    const rival = stand.open();
    await rival.current();
    await stand.table.click(2);
    // The slow one has seen neither the newer version nor that there is a state by now.
    slow.current = async () => rival.current();
    expect(await rival.save()).toBe('saved');
    expect(await slow.save()).toBe('current');
    expect((await cachedState(stand.store)).version).toBe(2);
  });

  it.each([
    ['is no JSON', () => 'nonsense'],
    ['is cut short', (text: string) => text.slice(0, -20)],
    ['is of another format', (text: string) => text.replace('"format":6', '"format":5')],
    ['does not say which columns it counts', (text: string) => text.replace(/"of":"[^{]*?\]",/, '')],
    ['is of another column', (text: string) => text.replace('category', 'sessionid')],
    ['is of another table', (text: string) => text.replace(/"tableId":"[^"]*"/, '"tableId":"other"')],
    ['is of a version that is not committed', (text: string) => text.replace('"version":1', '"version":99')],
    ['has a mark that is no text', (text: string) => text.replace(/"mark":"[^"]*"/, '"mark":7')],
    ['has a key twice', (text: string) => text.replace('"keys":[1,2]', '"keys":[1,1]')],
    ['has a count that is none', (text: string) => text.replace('"counts":[1,1]', '"counts":[1,-1]')],
  ])('is not used when it %s, and is mended', async (_what, damage) => {
    await stand.table.click(1, 2);
    await stand.open().save();
    const good = await cachedText(stand.store);
    const bad = damage(good);
    expect(bad).not.toBe(good);
    await putCached(stand.store, bad);
    const counts = stand.open();
    expect(await counted(counts)).toEqual({ version: 1, total: 2, clicks: { 1: 1, 2: 1 } });
    expect(await counts.save()).toBe('saved');
    expect(await cachedState(stand.store)).toMatchObject({ version: 1, tally: { keys: [1, 2] } });
  });

  it('is passed over when the log no longer leads on from it', async () => {
    await stand.table.click(1);
    await stand.open().save();
    await stand.table.click(2);
    await stand.table.click(3);
    await checkpoint({ at: stand.table.at });
    await stand.table.removeEntry(2);
    stand.store.reads = [];
    expect(await counted(stand.open())).toEqual({ version: 3, total: 3, clicks: { 1: 1, 2: 1, 3: 1 } });
    expect(new Set(stand.store.dataFiles().filter((path) => path.includes('part-'))).size).toBe(3);
  });

  it('is used after its log entry was cleaned away, when it has been written without a mark', async () => {
    await stand.table.click(1);
    await stand.open().save();
    await checkpoint({ at: stand.table.at });
    await stand.table.cleanLog(2);
    const first = stand.open();
    expect(await counted(first)).toEqual({ version: 1, total: 1, clicks: { 1: 1 } });
    expect(await first.save()).toBe('saved');
    expect(await first.save()).toBe('current');
    stand.store.reads = [];
    expect(await counted(stand.open())).toEqual({ version: 1, total: 1, clicks: { 1: 1 } });
    expect(stand.store.dataFiles().filter((path) => path.includes('part-'))).toEqual([]);
  });

  it('says which version it is of, and all that is counted', async () => {
    await stand.table.click(1, 2);
    await stand.open().save();
    const state = await openState(stand.table.at);
    expect(await cachedState(stand.store)).toEqual({
      format: 6,
      of: '["productid","category"]',
      tableId: state?.metaData.id,
      version: 1,
      mark: state?.mark,
      kept: '',
      tally: {
        keys: [1, 2],
        attributes: [2, 3],
        latest: [expect.any(Number), expect.any(Number)],
        counts: [1, 1],
        times: {
          minutes: [[expect.any(Number), base64(1, 1)]],
          hours: [[expect.any(Number), base64(1, 1)]],
          days: [[expect.any(Number), base64(1, 1)]],
        },
        totals: [expect.any(Number), base64(2)],
      },
    });
  });

  it('is used without a mark if its version has no log entry any more', async () => {
    await stand.table.click(1, 2);
    await stand.open().save();
    const { mark, ...old } = await cachedState(stand.store);
    expect(mark).toBeDefined();
    await putCached(stand.store, JSON.stringify(old));
    await stand.table.click(2);
    stand.store.reads = [];
    const counts = stand.open();
    expect(await counted(counts)).toEqual({ version: 2, total: 3, clicks: { 1: 1, 2: 2 } });
    expect(stand.store.dataFiles()).toHaveLength(1);
    expect(await counts.save()).toBe('saved');
    expect(await cachedState(stand.store)).toMatchObject({
      version: 2,
      mark: (await openState(stand.table.at))?.mark,
    });
  });

  it('is used even if the schema has changed since it was written', async () => {
    await stand.table.click(1, 2);
    await stand.open().save();
    await putCached(stand.store, (await cachedText(stand.store)).replace('sessionid', 'session'));
    stand.store.reads = [];
    expect(await counted(stand.open())).toEqual({ version: 1, total: 2, clicks: { 1: 1, 2: 1 } });
    expect(stand.store.dataFiles()).toEqual([]);
  });

  it('is passed over when rows that it counted were deleted', async () => {
    await stand.table.click(1, 1);
    await stand.open().save();
    await stand.table.replaceAll([{ productid: 2 }], true);
    expect(await counted(stand.open())).toEqual({ version: 2, total: 1, clicks: { 2: 1 } });
  });

  it.each(['storage.unavailable', 'storage.refused'] as const)(
    'that cannot be read (%s) is no error, and is replaced once it can be',
    async (code) => {
      await stand.table.click(1, 2);
      await stand.open().save();
      await stand.table.click(2);
      const get = stand.store.get.bind(stand.store);
      const written: string[] = [];
      const putIfMatch = stand.store.putIfMatch.bind(stand.store);
      const putIfAbsent = stand.store.putIfAbsent.bind(stand.store);
      stand.store.putIfAbsent = (path, bytes) => {
        written.push('blindly');
        return putIfAbsent(path, bytes);
      };
      stand.store.putIfMatch = (path, bytes, etag) => {
        written.push(etag);
        return putIfMatch(path, bytes, etag);
      };
      stand.store.get = async (path) => {
        if (path === cachedStatePath('clicks')) throw new TributaryError(code, 'Too large.');
        return get(path);
      };
      const warnings: string[] = [];
      const counts = stand.open({ warn: (message) => warnings.push(message) });
      expect(await counted(counts)).toEqual({ version: 2, total: 3, clicks: { 1: 1, 2: 2 } });
      expect(warnings.join()).toContain('Too large.');
      await expect(counts.save()).rejects.toMatchObject({ code });
      expect(written).toEqual([]);
      stand.store.get = get;
      const etag = (await get(cachedStatePath('clicks')))?.etag;
      expect(await counts.save()).toBe('saved');
      expect(written).toEqual([etag]);
      expect((await cachedState(stand.store)).version).toBe(2);
    },
  );

  it('is written without being asked for once there are 200 versions that it does not have', async () => {
    const commit = (version: number) =>
      putCommit(stand.table.at, version, [], { operation: 'WRITE', isBlindAppend: true });
    for (let version = 1; version <= 198; version++) await commit(version);
    const counts = stand.open();
    await counts.current();
    await commit(199);
    await counts.current();
    await expect
      .poll(async () => (await stand.store.get(cachedStatePath('clicks'))) !== undefined)
      .toBe(true);
    // Version 0 is the first of the 200.
    expect((await cachedState(stand.store)).version).toBe(199);
  });

  it('that cannot be written is tried again only after as many versions', async () => {
    const commit = (version: number) =>
      putCommit(stand.table.at, version, [], { operation: 'WRITE', isBlindAppend: true });
    for (let version = 1; version <= 200; version++) await commit(version);
    let tries = 0;
    stand.store.putIfAbsent = async (path, bytes) => {
      if (path !== cachedStatePath('clicks'))
        return MemoryStore.prototype.putIfAbsent.call(stand.store, path, bytes);
      tries++;
      throw new Error('The disk is full.');
    };
    const counts = stand.open({ warn: () => undefined });
    for (let version = 201; version <= 205; version++) {
      await counts.current();
      await sleep(1);
      await commit(version);
    }
    expect(tries).toBe(1);
  });

  it('that cannot be written is no error', async () => {
    for (let version = 1; version <= 200; version++)
      await putCommit(stand.table.at, version, [], { operation: 'WRITE', isBlindAppend: true });
    const warnings: string[] = [];
    stand.store.putIfAbsent = async () => {
      throw new Error('The disk is full.');
    };
    const counts = stand.open({ warn: (message) => warnings.push(message) });
    expect(await counted(counts)).toMatchObject({ version: 200 });
    await expect.poll(() => warnings.join()).toContain('The disk is full.');
  });
});

describe('the text of a cached state', () => {
  const tally = {
    keys: [1, 'a'],
    attributes: [null, 'x'],
    latest: [0, 7.5],
    counts: [3, 0],
    times: {
      minutes: [],
      hours: [
        [5, base64(3)],
        [6, base64()],
      ],
      days: [[5, base64(0, 1, 0x80, 2)]],
    },
    totals: [5, base64(1, 0, 2, 7)],
  };
  const of = '["productid","category"]';
  const state = { format: 6, of, tableId: 'id', version: 0, mark: 'mark', kept: '', tally };
  const parsed = (value: unknown) => parseCachedState(Buffer.from(JSON.stringify(value)), countedClicks);
  const serialized = (value: CachedState | undefined) =>
    value && JSON.parse(Buffer.from(cachedStateFile(countedClicks).serialize(value)).toString('utf8'));
  const folded = {
    shared: [
      [3, 2 ** 18 - 1],
      [5, 1],
    ],
    times: { minutes: [5, base64(6)], hours: [0, base64()], days: [0, base64()] },
  };

  it('is read if nothing in it is wrong', () => {
    expect(serialized(parsed(state))).toEqual(state);
    const { mark: _, ...unmarked } = state;
    expect(serialized(parsed(unmarked))).toEqual(unmarked);
    const withFolded = { ...state, tally: { ...tally, folded } };
    expect(serialized(parsed(withFolded))).toEqual(withFolded);
    const { times, totals } = parsed(state)?.tally ?? {};
    expect(plainBuckets(times?.hours ?? [])).toEqual([
      [5, [0], [3]],
      [6, [], []],
    ]);
    expect(plainBuckets(times?.days ?? [])).toEqual([[5, [1], [256]]]);
    expect([...(totals ?? [])]).toEqual([
      [5, 1],
      [8, 7],
    ]);
  });

  it.each<[string, unknown]>([
    ['null', null],
    ['a list', []],
    ['the format before', { ...state, format: 5 }],
    ['no decision', { ...state, kept: undefined }],
    ['a decision that is none', { ...state, kept: 1 }],
    ['no tally', { ...state, tally: null }],
    ['no table', { ...state, tableId: undefined }],
    ['no version', { ...state, version: undefined }],
    ['a version that is none', { ...state, version: -1 }],
    ['a mark that is none', { ...state, mark: null }],
    ...Object.keys(tally).map((name): [string, unknown] => [
      `no ${name}`,
      { ...state, tally: { ...tally, [name]: undefined } },
    ]),
    ...[
      null,
      { ...folded, shared: undefined },
      { ...folded, shared: [[3]] },
      { ...folded, shared: [[3], [1, 2]] },
      { ...folded, shared: [[2 ** 18], [1]] },
      { ...folded, shared: [[3], [-1]] },
      { ...folded, times: undefined },
      { ...folded, times: { ...folded.times, minutes: [5, 'gA=='] } },
      { ...folded, times: { ...folded.times, hours: undefined } },
    ].map((value): [string, unknown] => [
      `folded ${JSON.stringify(value)}`,
      { ...state, tally: { ...tally, folded: value } },
    ]),
    ...['minutes', 'hours', 'days'].flatMap((name) =>
      [
        undefined,
        {},
        [null],
        [{}],
        [[5]],
        [[5, base64(1), 0]],
        [[-1, base64(1)]],
        [['5', base64(1)]],
        [[5, 1]],
      ]
        // More counts than keys, a number that is cut short, a run of zeros without its length.
        .concat([base64(1, 1, 1), base64(0, 2, 1), base64(0x80), base64(1, 0)].map((text) => [[5, text]]))
        .map((value): [string, unknown] => [
          `${name} ${JSON.stringify(value)}`,
          { ...state, tally: { ...tally, times: { ...tally.times, [name]: value } } },
        ]),
    ),
    ...Object.entries({
      keys: [[1, 1], [1, null], [1], [1, 'a', 'b'], { length: 2 }],
      attributes: [[null], [null, true], [null, 'x', 'y']],
      latest: [[0], [0, null], [0, '7']],
      counts: [[3], [3, -1], [3, 0.5], [3, '0']],
      totals: [[], [5], [5, 6], ['5', base64(1)], [5, base64(0x80)], [5, base64(0, 0xff, 0xff, 0x7f, 1)]],
    }).flatMap(([name, values]) =>
      values.map((value): [string, unknown] => [
        `${name} ${JSON.stringify(value)}`,
        { ...state, tally: { ...tally, [name]: value } },
      ]),
    ),
  ])('is none with %s', (_what, value) => {
    expect(parsed(value)).toBeUndefined();
  });
});
