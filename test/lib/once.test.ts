import { describe, expect, it } from 'vitest';
import { once, oncePerKey } from '../../src/lib/once';

describe('once', () => {
  it('makes nothing before it is asked, and then one value for all', () => {
    let count = 0;
    const value = once(() => ({ number: ++count }));
    expect([count, value.made()]).toEqual([0, undefined]);
    const first = value();
    expect(value()).toBe(first);
    expect([count, value.made()]).toEqual([1, first]);
  });

  it('makes undefined only once, and tries again after an error', () => {
    let count = 0;
    const nothing = once(() => {
      if (++count === 1) throw new Error('not yet');
    });
    expect(() => nothing()).toThrow('not yet');
    nothing();
    nothing();
    expect(count).toBe(2);
  });

  it('shares a promise, also while it is pending', async () => {
    let count = 0;
    const value = once(async () => ++count);
    expect(await Promise.all([value(), value()])).toEqual([1, 1]);
    expect(await value()).toBe(1);
  });

  it('tries again after a rejection, which all waiting callers get', async () => {
    let count = 0;
    const value = once(async () => {
      if (++count < 3) throw new Error(`try ${count}`);
      return count;
    });
    const waiting = [value(), value()];
    for (const each of waiting) await expect(each).rejects.toThrow('try 1');
    await expect(value()).rejects.toThrow('try 2');
    expect(value.made()).toBeUndefined();
    expect(await value()).toBe(3);
    expect(await value()).toBe(3);
  });

  it('makes another value after it was forgotten, which the rejection of the old one leaves alone', async () => {
    let count = 0;
    let reject = (_: Error) => {};
    const value = once(() =>
      ++count === 1
        ? new Promise<number>((_, no) => {
            reject = no;
          })
        : Promise.resolve(count),
    );
    const old = value();
    expect(value.forget()).toBe(old);
    const young = value();
    reject(new Error('too late'));
    await expect(old).rejects.toThrow('too late');
    expect(value()).toBe(young);
    expect(await young).toBe(2);
  });
});

describe('oncePerKey', () => {
  it('makes one value a key, and forgets them one by one', () => {
    let count = 0;
    const values = oncePerKey((key: string) => `${key}${++count}`);
    expect([values('a'), values('b'), values('a')]).toEqual(['a1', 'b2', 'a1']);
    expect(values.forget('a')).toBe('a1');
    expect(values.forget('c')).toBeUndefined();
    expect([...values.made()]).toEqual([['b', 'b2']]);
    expect([values('a'), values('b')]).toEqual(['a3', 'b2']);
  });
});
