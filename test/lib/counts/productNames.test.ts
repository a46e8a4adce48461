import { describe, expect, it } from 'vitest';
import { ProductNames } from '../../../src/lib/counts/productNames';
import type { ProductsFile } from '../../../src/lib/counts/productsFile';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { FaultyStore } from './countsStand';

describe('the names of products', () => {
  it('may come, change and go while the app runs', async () => {
    const store = new MemoryStore();
    let nowMs = 0;
    const names = new ProductNames(store, { monotonicNow: () => nowMs });
    expect((await names.current()).names.size).toBe(0);
    await store.put('products.csv', Buffer.from('1,Lamp'));
    expect((await names.current()).names.size).toBe(0);
    nowMs += 30_000;
    const found = await names.current();
    expect(found.names.get(1)).toBe('Lamp');
    await store.put('products.csv', Buffer.from('1,Light'));
    nowMs += 30_000;
    expect((await names.current()).tag).not.toBe(found.tag);
    await store.delete('products.csv');
    nowMs += 30_000;
    expect(await names.current()).toEqual({ tag: '', names: new Map() });
  });

  it('are told once for each version of the file, also what of it is not used', async () => {
    const store = new MemoryStore();
    let nowMs = 0;
    const read: ProductsFile[] = [];
    const names = new ProductNames(store, { monotonicNow: () => nowMs, onRead: (file) => read.push(file) });
    await store.put('products.csv', Buffer.from('1,Lamp\nx,Ghost\n'));
    for (let times = 0; times < 3; times++, nowMs += 30_000) await names.current();
    expect(read.map(({ passedOver }) => passedOver)).toEqual([
      [{ line: 2, reason: 'its productid is no whole number' }],
    ]);
    await store.put('products.csv', Buffer.from('1,Lamp'));
    await names.current();
    expect(read.map(({ passedOver }) => passedOver.length)).toEqual([1, 0]);
  });

  it('names the products that are counted first, and says if it was never read', async () => {
    const store = new FaultyStore();
    let nowMs = 0;
    const names = new ProductNames(store, { monotonicNow: () => nowMs });
    await store.put('products.csv', Buffer.from('1,Lamp'));
    store.fault = () => 503;
    expect(await names.preferred()).toEqual({ keys: new Set(), tag: undefined });
    store.fault = () => undefined;
    nowMs += 5000;
    const found = await names.preferred();
    expect(found).toEqual({ keys: new Set([1]), tag: expect.any(String) });
    store.fault = () => 503;
    nowMs += 30_000;
    expect(await names.preferred()).toEqual(found);
  });

  it('is not asked for by each answer while the store is away', async () => {
    const store = new MemoryStore();
    let nowMs = 0;
    let reads = 0;
    const names = new ProductNames(store, { monotonicNow: () => nowMs });
    await store.put('products.csv', Buffer.from('1,Lamp'));
    const get = store.get.bind(store);
    store.get = async () => {
      reads += 1;
      throw new Error('The store is away.');
    };
    for (nowMs = 0; nowMs < 5000; nowMs += 1000) await expect(names.current()).rejects.toThrow('is away');
    expect(reads).toBe(1);
    await expect(names.current()).rejects.toThrow('is away');
    expect(reads).toBe(2);
    store.get = get;
    nowMs += 5000;
    expect((await names.current()).names.get(1)).toBe('Lamp');
  });
});
