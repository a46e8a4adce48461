import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { onLongWait, waitFor } from '../../src/lib/longWait';

let told: string[];
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] });
  told = [];
  onLongWait((place) => told.push(place));
});
afterEach(() => {
  onLongWait(undefined);
  vi.useRealTimers();
});

/** Work that ends after so many milliseconds. */
const work = (ms: number) => new Promise<number>((done) => setTimeout(() => done(ms), ms));

it('is told if it takes long, and the result is that of the work', async () => {
  const waits = [waitFor('quick', work(4999)), waitFor('slow', work(6000))];
  await vi.advanceTimersByTimeAsync(6000);
  expect(await Promise.all(waits)).toEqual([4999, 6000]);
  expect(told).toEqual(['slow']);
});

it('is told once in ten seconds, however many wait', async () => {
  const waits = ['a', 'b', 'c'].map((place) => waitFor(place, work(6000)));
  await vi.advanceTimersByTimeAsync(9000);
  waits.push(waitFor('soon', work(5500)), waitFor('later', work(6500)));
  await vi.advanceTimersByTimeAsync(2000);
  waits.push(waitFor('again', work(6000)));
  await vi.advanceTimersByTimeAsync(6000);
  await Promise.all(waits);
  expect(told).toEqual(['a', 'again']);
});

it('is told again every thirty seconds of a wait that goes on', async () => {
  const wait = waitFor('store', work(70_000));
  await vi.advanceTimersByTimeAsync(70_000);
  await wait;
  expect(told).toEqual(['store', 'store', 'store']);
});

it('is told of tries that follow one another as of one wait, and at once after there was an answer', async () => {
  const failed = async () => {
    await work(10_000);
    throw new Error('late');
  };
  for (const tried of [failed, failed, () => work(8000), failed, failed]) {
    const wait = waitFor('store', tried()).catch(() => {});
    await vi.advanceTimersByTimeAsync(10_000);
    await wait;
  }
  expect(told).toEqual(['store', 'store']);
});

it('is told once of each of two that wait by turns', async () => {
  for (const place of ['clicks', 'assets', 'clicks', 'assets']) {
    const late = work(10_000).then(() => Promise.reject(new Error('late')));
    const wait = waitFor(place, late).catch(() => {});
    await vi.advanceTimersByTimeAsync(10_000);
    await wait;
  }
  expect(told).toEqual(['clicks', 'assets']);
});

it('is not told without a listener, nor after a failure', async () => {
  const refused = waitFor('store', Promise.reject(new Error('refused')));
  await expect(refused).rejects.toThrow('refused');
  onLongWait(undefined);
  const unheard = waitFor('store', work(20_000));
  await vi.advanceTimersByTimeAsync(20_000);
  expect([await unheard, told]).toEqual([20_000, []]);
});
