import { describe, expect, it } from 'vitest';
import { ProductNames, parseProductNames } from '../../../src/lib/counts/productNames';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { FaultyStore } from './countsStand';

describe('products.csv', () => {
  it.each([
    ['with titles', 'productid,name\n1,Lamp\n2,Chair\n'],
    ['with titles in another order, and more', '\uFEFFName,price,ProductId\r\nLamp,3,1\r\nChair,4,2'],
    ['without titles', '1,Lamp\n2,Chair'],
    ['with lines that are none', 'productid,name\n1,Lamp\nx,Ghost\n3\n\n4,\n2,Chair\n'],
  ])('is read %s', (_how, text) => {
    expect([...parseProductNames(text)]).toEqual([
      [1, 'Lamp'],
      [2, 'Chair'],
    ]);
  });

  it('keeps quotes, commas and line breaks in quoted names, and hostile ones as they are', () => {
    const text = 'productid,name\n1,"Lamp, ""round""\nand tall"\n2,<img src=x onerror=alert(1)>\n';
    expect([...parseProductNames(text).values()]).toEqual([
      'Lamp, "round"\nand tall',
      '<img src=x onerror=alert(1)>',
    ]);
  });

  it.each([
    [
      '1,19" monitor\n7,"He said ""hi"""\n',
      [
        [1, '19" monitor'],
        [7, 'He said "hi"'],
      ],
    ],
    [
      '1,"Round" lamp\n2,Chair',
      [
        [1, '"Round" lamp'],
        [2, 'Chair'],
      ],
    ],
    [
      '1,"Lamp\n2,Chair',
      [
        [1, '"Lamp'],
        [2, 'Chair'],
      ],
    ],
    [
      '1,"Lamp\n2,"Chair, red"\n',
      [
        [1, '"Lamp'],
        [2, 'Chair, red'],
      ],
    ],
    [
      '1, "Lamp, red" \n2,Chair',
      [
        [1, 'Lamp, red'],
        [2, 'Chair'],
      ],
    ],
    [
      '1,Lamp\r2,Chair\r',
      [
        [1, 'Lamp'],
        [2, 'Chair'],
      ],
    ],
  ])('never shows a part of a name as the name: %j', (text, names) => {
    expect([...parseProductNames(text)]).toEqual(names);
  });

  it('may come, change and go while the app runs', async () => {
    const store = new MemoryStore();
    let nowMs = 0;
    const names = new ProductNames(store, () => nowMs);
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

  it('names the products that are counted first, and says if it was never read', async () => {
    const store = new FaultyStore();
    let nowMs = 0;
    const names = new ProductNames(store, () => nowMs);
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
    const names = new ProductNames(store, () => nowMs);
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
