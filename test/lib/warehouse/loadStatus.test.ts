import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { LoadStatusFile, readLoadStatus, writeLoadStatus } from '../../../src/lib/warehouse/loadStatus';

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
  expect(store.puts).toBeLessThanOrEqual(3);
});

it('warns once if it cannot be written', async () => {
  store.isDown = true;
  for (let load = 0; load < 5; load++) {
    file.changed({ state: 'current', position: at(load) });
    await vi.advanceTimersByTimeAsync(11_000);
  }
  expect(warnings).toEqual([`The status of ${table} is not recorded: The disk is full.`]);
});
