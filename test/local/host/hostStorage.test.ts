import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { askStorage, connectHostStorage } from '../../../local/host/hostStorage';

test('the storage of the host can be named by an address', () => {
  const uri = 'https://account.blob.core.windows.net/';
  expect(connectHostStorage({ AzureWebJobsStorage__blobServiceUri: uri }).url).toBe(uri);
  expect(connectHostStorage({ AzureWebJobsStorage__accountName: 'account' }).url).toBe(uri);
  expect(() => connectHostStorage({})).toThrow('AzureWebJobsStorage');
});

test('a call that is answered in time comes to its answer, or to its error', async () => {
  expect(await askStorage(async () => 'answer', 5_000)).toBe('answer');
  await expect(askStorage(() => Promise.reject(new Error('no')), 5_000)).rejects.toThrow('no');
});

test('a call is given up at its limit, whether it heeds its signal or not', async () => {
  const message = 'The storage did not answer in 0.05 s.';
  await expect(askStorage((signal) => sleep(60_000, undefined, { signal }), 50)).rejects.toThrow(message);
  await expect(askStorage(() => new Promise(() => {}), 50)).rejects.toThrow(message);
});
