import { beforeEach, describe, expect, it } from 'vitest';
import { dataFile, openDataFile } from '../../../src/lib/delta/openDataFile';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';

/** What is read at once of a file of unknown size. */
const head = 512 * 1024;
const path = 'events/x.parquet';
const where = 'lake/events version 3, file x.parquet';

/** A store that remembers which ranges were asked for. */
class ObservedStore extends MemoryStore {
  readonly asked: [number, number][] = [];

  override async getRange(name: string, start: number, length: number) {
    this.asked.push([start, length]);
    return super.getRange(name, start, length);
  }
}

const bytesOf = (length: number) => Uint8Array.from({ length }, (_, at) => (at * 31) % 253);

let store: ObservedStore;
beforeEach(() => {
  store = new ObservedStore();
});

describe('a file of unknown size', () => {
  it('is read once if it is small, whichever part is asked for', async () => {
    const bytes = bytesOf(1000);
    await store.put(path, bytes);
    const source = await openDataFile({ store, path, where });
    expect(source?.size).toBe(1000);
    for (const [start, length] of [[0, 1000] as const, [999, 1] as const, [10, 0] as const])
      expect(Uint8Array.from((await source?.read(start, length)) ?? [])).toEqual(
        bytes.subarray(start, start + length),
      );
    expect(store.asked).toEqual([[0, head]]);
  });

  it('is read again only beyond its first 512 KiB', async () => {
    const bytes = bytesOf(head + 100);
    await store.put(path, bytes);
    const source = await openDataFile({ store, path, where });
    expect(source?.size).toBe(head + 100);
    for (const start of [0, head - 10, head - 9, head, head + 90])
      expect(Uint8Array.from((await source?.read(start, 10)) ?? [])).toEqual(
        bytes.subarray(start, start + 10),
      );
    expect(store.asked).toEqual([
      [0, head],
      [head - 9, 10],
      [head, 10],
      [head + 90, 10],
    ]);
  });

  it('is undefined if it is not there, and damaged if it goes or changes meanwhile', async () => {
    expect(await openDataFile({ store, path, where })).toBeUndefined();
    await store.put(path, bytesOf(head + 100));
    const source = await openDataFile({ store, path, where });
    await store.put(path, bytesOf(head + 101));
    await expect(source?.read(head, 10)).rejects.toMatchObject({
      code: 'parquet.invalid',
      message: `${where} has ${head + 101} bytes; the log says ${head + 100}.`,
    });
    await store.delete(path);
    await expect(source?.read(head, 10)).rejects.toMatchObject({
      code: 'parquet.invalid',
      message: `${where} is gone.`,
    });
  });
});

it('a file whose size the log tells is not read before it is asked for', async () => {
  await store.put(path, bytesOf(50));
  const source = dataFile({ store, path, where }, 50);
  expect([source.size, store.asked]).toEqual([50, []]);
  expect(Uint8Array.from(await source.read(5, 7))).toEqual(bytesOf(50).subarray(5, 12));
  expect(store.asked).toEqual([[5, 7]]);
});
