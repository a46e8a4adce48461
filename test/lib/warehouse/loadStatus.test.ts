import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import {
  LoadStatusFile,
  loadStatusPath,
  readLoadStatus,
  warehouseMark,
  writeLoadStatus,
} from '../../../src/lib/warehouse/loadStatus';

const table = 'clickstream.clicks';
const at = (version: number) => ({ tableId: 'id', version, mark: `mark ${version}` });

class CountingStore extends MemoryStore {
  puts = 0;
  isDown = false;
  override async put(path: string, bytes: Uint8Array) {
    if (this.isDown) throw new Error('The disk is full.');
    this.puts++;
    return super.put(path, bytes);
  }
}

let store: CountingStore;
let warnings: string[];
let file: LoadStatusFile;
beforeEach(() => {
  vi.useFakeTimers();
  store = new CountingStore();
  warnings = [];
  file = new LoadStatusFile({
    store: async () => store,
    table,
    warn: (message) => warnings.push(message),
  });
});
afterEach(() => {
  vi.useRealTimers();
});

const version = async () => (await readLoadStatus(store, table))?.position?.version;

it('writes the first position at once, and further ones together, ten seconds apart', async () => {
  file.changed({ state: 'behind', position: at(1) });
  await vi.advanceTimersByTimeAsync(0);
  expect(await version()).toBe(1);
  for (let next = 2; next < 9; next++) file.changed({ state: 'behind', position: at(next) });
  await vi.advanceTimersByTimeAsync(9_000);
  expect([await version(), store.puts]).toEqual([1, 1]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect([await version(), store.puts]).toEqual([8, 2]);
});

it('writes a problem, and its end, at once', async () => {
  file.changed({ state: 'current', position: at(1) });
  await vi.advanceTimersByTimeAsync(0);
  file.changed({ state: 'failed', error: 'warehouse.unavailable', position: at(1) });
  await vi.advanceTimersByTimeAsync(0);
  expect(await readLoadStatus(store, table)).toMatchObject({
    state: 'failed',
    error: 'warehouse.unavailable',
  });
  file.changed({ state: 'current', position: at(2) });
  await vi.advanceTimersByTimeAsync(0);
  expect(await readLoadStatus(store, table)).toEqual({ state: 'current', position: at(2) });
});

it('writes what is not written yet when the process ends', async () => {
  file.changed({ state: 'behind', position: at(1) });
  file.changed({ state: 'current', position: at(2) });
  await file.end();
  expect(await version()).toBe(2);
});

it('keeps the position of a table whose database does not answer a new process', async () => {
  await writeLoadStatus(store, table, { state: 'current', position: at(7) });
  file.changed({ state: 'failed', error: 'warehouse.unavailable' });
  await file.end();
  expect(await readLoadStatus(store, table)).toEqual({
    state: 'failed',
    error: 'warehouse.unavailable',
    position: at(7),
  });
});

it('writes an unchanged status once a minute', async () => {
  for (let load = 0; load < 20; load++) {
    file.changed({ state: 'current', position: at(1) });
    await vi.advanceTimersByTimeAsync(6000);
  }
  expect(store.puts).toBe(3);
});

it('writes nothing at the end of a process that has loaded nothing, or all of which is written', async () => {
  await file.end();
  expect(store.puts).toBe(0);
  file.changed({ state: 'current', position: at(1) });
  await file.end();
  await file.end();
  expect(store.puts).toBe(1);
});

it('writes at once that a ledger keeps no marks, and that it does', async () => {
  for (const keepsMarks of [true, false, true]) {
    file.changed({ state: 'current', keepsMarks });
    await vi.advanceTimersByTimeAsync(0);
    expect(await readLoadStatus(store, table)).toEqual({ state: 'current', keepsMarks });
  }
});

it('does not write at once that a ledger keeps marks if it was not known to keep none, but that it keeps none', async () => {
  file.changed({ state: 'current' });
  await vi.advanceTimersByTimeAsync(0);
  file.changed({ state: 'current', keepsMarks: true });
  await vi.advanceTimersByTimeAsync(0);
  expect(store.puts).toBe(1);
  file.changed({ state: 'current' });
  file.changed({ state: 'current', keepsMarks: false });
  await vi.advanceTimersByTimeAsync(0);
  expect(await readLoadStatus(store, table)).toEqual({ state: 'current', keepsMarks: false });
});

it('writes at once each other reason for a rebuild, and each other error', async () => {
  const problems = [{ reason: 'a' }, { reason: 'b' }, { error: 'a.b' }, { error: 'a.c' }] as const;
  for (const problem of problems) {
    file.changed({ state: 'reason' in problem ? 'needs-rebuild' : 'failed', ...problem });
    await vi.advanceTimersByTimeAsync(0);
    expect(await readLoadStatus(store, table)).toMatchObject(problem);
  }
  expect(store.puts).toBe(4);
});

it('warns once if it cannot be written, and again after it was', async () => {
  const loadFor = async (loads: number) => {
    for (let load = 0; load < loads; load++) {
      file.changed({ state: 'current', position: at(load) });
      await vi.advanceTimersByTimeAsync(11_000);
    }
  };
  const warning = `The status of ${table} is not recorded: The disk is full.`;
  store.isDown = true;
  await loadFor(5);
  expect(warnings).toEqual([warning]);
  store.isDown = false;
  await loadFor(2);
  store.isDown = true;
  await loadFor(2);
  expect(warnings).toEqual([warning, warning]);
});

it.each([
  ['no JSON', 'x', undefined],
  ['nothing', 'null', undefined],
  ['a state that there is not', '{"state":"done"}', undefined],
  ['a message where the code should be', '{"state":"failed","error":"server s: x"}', { state: 'failed' }],
  ['text around a code', '{"state":"failed","error":"a.b!"}', { state: 'failed' }],
  ['text before a code', '{"state":"failed","error":"!a.b"}', { state: 'failed' }],
  ['other types', '{"state":"idle","error":1,"reason":2,"keepsMarks":3,"warehouse":4}', { state: 'idle' }],
  ['a position without a table', '{"state":"idle","position":{"version":1}}', { state: 'idle' }],
  [
    'a position of no version',
    '{"state":"idle","position":{"tableId":"a","version":"1"}}',
    { state: 'idle' },
  ],
  [
    'a position without a mark',
    '{"state":"idle","position":{"tableId":"a","version":1,"mark":2}}',
    { state: 'idle', position: { tableId: 'a', version: 1, mark: undefined } },
  ],
  [
    'everything',
    JSON.stringify({
      state: 'needs-rebuild',
      reason: 'r',
      keepsMarks: false,
      warehouse: 'w',
      position: at(1),
    }),
    { state: 'needs-rebuild', reason: 'r', keepsMarks: false, warehouse: 'w', position: at(1) },
  ],
])('reads of a record with %s what can be read', async (_what, text, expected) => {
  await store.put(loadStatusPath(table), Buffer.from(text));
  expect(await readLoadStatus(store, table)).toStrictEqual(expected);
});

it('is read as it was written, with everything that it may say', async () => {
  const status = {
    state: 'needs-rebuild',
    error: 'warehouse.refused',
    reason: 'version 4 takes rows away',
    keepsMarks: false,
    warehouse: warehouseMark('sql:server/dwh'),
    position: at(3),
    head: { tableId: 'id', version: 4, mark: undefined },
  } as const;
  await writeLoadStatus(store, table, status);
  expect(await readLoadStatus(store, table)).toEqual(status);
});

it('tells one warehouse from another by a short mark that does not have its name', () => {
  const [one, other] = ['sql:server/dwh', 'sql:server/dw'].map(warehouseMark);
  expect(one).toMatch(/^[0-9a-f]{16}$/);
  expect(one).toBe(warehouseMark('sql:server/dwh'));
  expect(one).not.toBe(other);
});
