import { createServer } from 'node:http';
import { BlobServiceClient } from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Azurite, startAzurite } from '../../../local/azurite';
import type { TributaryError } from '../../../src/lib/errors';
import { listenOnLoopback } from '../../../src/lib/sameMachine';
import { openAzureBlobStore } from '../../../src/lib/storage/azureBlobStore';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import type { ObjectStore } from '../../../src/lib/storage/objectStore';

const text = (value: string) => Buffer.from(value);
const asText = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString();

async function paths(store: ObjectStore, prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { path } of store.list(prefix)) found.push(path);
  return found;
}

let azurite: Azurite;
let containers = 0;
beforeAll(async () => {
  azurite = await startAzurite({});
});
afterAll(() => azurite.close());

const azure = () =>
  openAzureBlobStore({ connectionString: azurite.connectionString }, `contract-${++containers}`);

describe.each([
  ['in memory', async () => new MemoryStore() as ObjectStore],
  ['on Azure Blob', azure],
])('an object store %s', (_name, open) => {
  it('reads nothing from a store that was never written', async () => {
    const store = await open();
    expect(await store.get('a/b')).toBeUndefined();
    expect(await store.getRange('a/b', 0, 1)).toBeUndefined();
    expect(await store.getRange('a/b', -1, 1)).toBeUndefined();
    expect(await paths(store, '')).toEqual([]);
    expect(await store.delete('a/b')).toBe(false);
  });

  it('returns the bytes that were put last, with an etag that changes', async () => {
    const store = await open();
    const first = await store.put('dir/file', text('one'));
    const second = await store.put('dir/file', text('two'));
    expect(first.etag).not.toBe(second.etag);
    const found = await store.get('dir/file');
    expect(asText(found?.bytes)).toBe('two');
    expect(found?.etag).toBe(second.etag);
    expect(Math.abs(Date.now() - (found?.lastModified.getTime() ?? 0))).toBeLessThan(60_000);
  });

  it('keeps its own copy of the bytes', async () => {
    const store = await open();
    const bytes = text('kept');
    await store.put('file', bytes);
    bytes.fill(0);
    expect(asText((await store.get('file'))?.bytes)).toBe('kept');
  });

  it('reads ranges, from the start, from the end, cut at the end, past the end', async () => {
    const store = await open();
    await store.put('digits', text('0123456789'));
    const range = async (start: number, length: number) => {
      const found = await store.getRange('digits', start, length);
      expect(found?.size).toBe(10);
      return asText(found?.bytes);
    };
    expect(await range(0, 3)).toBe('012');
    expect(await range(4, 2)).toBe('45');
    expect(await range(8, 100)).toBe('89');
    expect(await range(-4, 4)).toBe('6789');
    expect(await range(-4, 2)).toBe('67');
    expect(await range(-100, 3)).toBe('012');
    expect(await range(10, 1)).toBe('');
  });

  it('stores empty objects', async () => {
    const store = await open();
    await store.put('empty', new Uint8Array(0));
    expect((await store.get('empty'))?.bytes.length).toBe(0);
    expect(await store.getRange('empty', 0, 5)).toEqual({ bytes: new Uint8Array(0), size: 0 });
  });

  it('lets one of many creators win', async () => {
    const store = await open();
    await store.put('warm', text('up'));
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, (_, i) => store.putIfAbsent('commit', text(`writer ${i}`))),
    );
    const winner = outcomes.findIndex(({ outcome }) => outcome === 'written');
    expect(outcomes.filter(({ outcome }) => outcome === 'written')).toHaveLength(1);
    expect(outcomes.filter(({ outcome }) => outcome === 'exists')).toHaveLength(7);
    expect(asText((await store.get('commit'))?.bytes)).toBe(`writer ${winner}`);
  });

  it('replaces only the object that was read', async () => {
    const store = await open();
    const { etag } = await store.put('state', text('1'));
    expect(await store.putIfMatch('state', text('2'), etag)).toMatchObject({ outcome: 'written' });
    expect(await store.putIfMatch('state', text('3'), etag)).toEqual({ outcome: 'mismatch' });
    expect(asText((await store.get('state'))?.bytes)).toBe('2');
    expect(await store.putIfMatch('absent', text('x'), etag)).toEqual({ outcome: 'mismatch' });
  });

  it('lists by prefix in byte order, with sizes', async () => {
    const store = await open();
    for (const path of ['t/b', 't/a/2', 't/a/10', 'u', 't/B', 't/é']) await store.put(path, text(path));
    expect(await paths(store, 't/')).toEqual(['t/B', 't/a/10', 't/a/2', 't/b', 't/é']);
    expect(await paths(store, 't/a')).toEqual(['t/a/10', 't/a/2']);
    for await (const info of store.list('u')) {
      expect(info).toMatchObject({ path: 'u', size: 1 });
      expect(info.lastModified).toBeInstanceOf(Date);
    }
  });

  it('deletes, and says whether there was something', async () => {
    const store = await open();
    await store.put('gone', text('x'));
    expect(await store.delete('gone')).toBe(true);
    expect(await store.delete('gone')).toBe(false);
    expect(await store.get('gone')).toBeUndefined();
  });
});

describe('a store on Azure Blob', () => {
  it('lists every page, and no directory entries', async () => {
    const store = await azure();
    await store.put('dir/file', text('x'));
    const container = BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient(
      `contract-${containers}`,
    );
    // The form in which accounts with a hierarchical namespace list directories.
    await container.getBlockBlobClient('dir').upload('', 0, { metadata: { hdi_isfolder: 'true' } });
    await container.getBlockBlobClient('dir/sub').upload('', 0, { metadata: { hdi_isfolder: 'true' } });
    expect(await paths(store, 'dir')).toEqual(['dir/file']);
  });

  it('takes a lease for a refusal, not for a rival', async () => {
    const store = await azure();
    const { etag } = await store.put('leased', text('x'));
    await BlobServiceClient.fromConnectionString(azurite.connectionString)
      .getContainerClient(`contract-${containers}`)
      .getBlobClient('leased')
      .getBlobLeaseClient()
      .acquireLease(60);
    const refused = {
      code: 'storage.refused',
      message: expect.stringContaining('put leased: 412 LeaseIdMissing.'),
    };
    await expect(store.putIfMatch('leased', text('y'), etag)).rejects.toMatchObject(refused);
    await expect(store.put('leased', text('y'))).rejects.toMatchObject(refused);
    await expect(store.delete('leased')).rejects.toMatchObject({ code: 'storage.refused' });
    expect(await store.putIfAbsent('leased', text('y'))).toEqual({ outcome: 'exists' });
    expect(asText((await store.get('leased'))?.bytes)).toBe('x');
  });

  it('names the store and the path when it is refused, without the key', async () => {
    const wrongKey = azurite.connectionString.replace(/AccountKey=[^;]+/, 'AccountKey=d3Jvbmc=');
    const store = await openAzureBlobStore({ connectionString: wrongKey }, 'refused');
    const error = await store.get('some/path').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'storage.refused', retriable: false });
    expect(String(error)).toContain('refused: get some/path: 403');
    expect(String(error)).not.toContain('d3Jvbmc=');
  });

  it('says how often it tried if there is no answer', async () => {
    const nobody = azurite.connectionString.replace(/127\.0\.0\.1:\d+/, '127.0.0.1:9');
    const store = await openAzureBlobStore({ connectionString: nobody }, 'lake');
    await expect(store.get('x')).rejects.toMatchObject({
      code: 'storage.unavailable',
      retriable: true,
      message: expect.stringContaining('lake: get x: 5 tries failed'),
    });
  });

  it.each([
    [[503, 500, 404], 3, undefined],
    [[429, 403], 2, { code: 'storage.refused', retriable: false }],
    [[409], 1, { code: 'storage.refused', message: expect.stringContaining('lake: get x: 409') }],
  ])('answers of %j are %i tries', async (statuses, tries, error) => {
    let requests = 0;
    const server = createServer((_request, response) => {
      response.writeHead(statuses[requests++] ?? 500).end();
    });
    const port = await listenOnLoopback(server);
    const there = azurite.connectionString.replace(/127\.0\.0\.1:\d+/, `127.0.0.1:${port}`);
    const store = await openAzureBlobStore({ connectionString: there }, 'lake');
    const outcome = await store.get('x').catch((thrown: unknown) => thrown);
    if (error) expect(outcome).toMatchObject(error);
    else expect(outcome).toBeUndefined();
    expect(requests).toBe(tries);
    server.close();
  });

  it.each([
    [409, 'BlobAlreadyExists', 'exists', 'storage.refused'],
    [409, 'BlobBeingRehydrated', 'storage.refused', 'storage.refused'],
    [412, 'ConditionNotMet', 'exists', 'mismatch'],
    [412, 'LeaseIdMissing', 'storage.refused', 'storage.refused'],
  ])('takes %i %s as %s for a new object, as %s for a known one', async (status, code, forNew, forKnown) => {
    const server = createServer((request, response) => {
      request.resume();
      response.writeHead(status, { 'content-type': 'application/xml', 'x-ms-error-code': code });
      response.end(`<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code></Error>`);
    });
    const port = await listenOnLoopback(server);
    const there = azurite.connectionString.replace(/127\.0\.0\.1:\d+/, `127.0.0.1:${port}`);
    const store = await openAzureBlobStore({ connectionString: there }, 'lake');
    const outcomes = [store.putIfAbsent('x', text('x')), store.putIfMatch('x', text('x'), '"1"')].map((put) =>
      put.then(
        ({ outcome }) => outcome,
        (error: TributaryError) => error.code,
      ),
    );
    expect(await Promise.all(outcomes)).toEqual([forNew, forKnown]);
    server.close();
  });

  it('gives a request up after ten seconds that is taken and never answered, and makes it again', {
    timeout: 30_000,
  }, async () => {
    const started = Date.now();
    let requests = 0;
    const server = createServer((_request, response) => {
      if (++requests > 1) response.writeHead(404).end();
    });
    const port = await listenOnLoopback(server);
    const there = azurite.connectionString.replace(/127\.0\.0\.1:\d+/, `127.0.0.1:${port}`);
    const store = await openAzureBlobStore({ connectionString: there }, 'lake');
    expect(await store.get('x')).toBeUndefined();
    expect(requests).toBe(2);
    expect(Date.now() - started).toBeGreaterThan(9_900);
    server.close();
  });
});
