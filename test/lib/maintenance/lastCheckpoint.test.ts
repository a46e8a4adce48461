import { BlobServiceClient } from '@azure/storage-blob';
import { describe, expect, it } from 'vitest';
import { startAzurite } from '../../../local/azurite';
import { checkpointPath, lastCheckpointPath } from '../../../src/lib/delta/log';
import { encodeCheckpointRows } from '../../../src/lib/delta/parquet/encodeCheckpoint';
import { inspectCheckpoint, moveLastCheckpoint } from '../../../src/lib/maintenance/lastCheckpoint';
import { openAzureBlobStore } from '../../../src/lib/storage/azureBlobStore';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { appendFiles, newLocation, snapshotOf } from './table';

const description = { version: 2, size: 5, sizeInBytes: 1, numOfAddFiles: 2 };

/** A store in which another client writes the pointer between every read and write of it. */
class Contended extends MemoryStore {
  tries = 0;
  onTry: () => void = () => {};

  override async putIfMatch(path: string, bytes: Uint8Array, etag: string) {
    this.tries++;
    await this.put(path, Buffer.from('{"version":1,"size":1}'));
    this.onTry();
    return super.putIfMatch(path, bytes, etag);
  }
}

async function contended() {
  const store = new Contended();
  await store.put(lastCheckpointPath('events'), Buffer.from('{"version":1,"size":1}'));
  return { store, at: { store, table: 'events' } };
}

describe('a checkpoint', () => {
  it.each(['protocol', 'metaData'])('without its %s action is not described', async (missing) => {
    const at = newLocation();
    await appendFiles(at, 2);
    const { protocol, metaData } = await snapshotOf(at);
    const rows = [{ protocol }, { metaData }].filter((row) => !(missing in row));
    const path = checkpointPath('events', 2);
    await at.store.put(path, encodeCheckpointRows(rows).bytes);
    await expect(inspectCheckpoint(at, { version: 2, paths: [path] })).rejects.toMatchObject({
      code: 'delta.invalid',
      message: `memory/events version 2: the checkpoint ${path} holds no protocol or no metaData action.`,
    });
  });
});

describe('moving the pointer to the last checkpoint', () => {
  it('is given up after five lost races', async () => {
    const { store, at } = await contended();
    expect(await moveLastCheckpoint(at, description)).toBe(false);
    expect(store.tries).toBe(5);
  });

  it('ends between two tries when its signal says so', async () => {
    const { store, at } = await contended();
    const ended = new AbortController();
    store.onTry = () => ended.abort(new Error('out of time'));
    await expect(moveLastCheckpoint(at, description, ended.signal)).rejects.toThrow('out of time');
    expect(store.tries).toBe(1);
  });

  it('fails if another client holds a lease on it', async () => {
    const azurite = await startAzurite({});
    try {
      const store = await openAzureBlobStore({ connectionString: azurite.connectionString }, 'lake');
      const path = lastCheckpointPath('events');
      await store.put(path, Buffer.from('{"version":1,"size":1}'));
      const container = BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient(
        'lake',
      );
      await container.getBlobClient(path).getBlobLeaseClient().acquireLease(60);
      await expect(moveLastCheckpoint({ store, table: 'events' }, description)).rejects.toMatchObject({
        code: 'storage.refused',
        message: expect.stringContaining('_last_checkpoint: 412 LeaseIdMissing.'),
      });
    } finally {
      await azurite.close();
    }
  });
});

it('a checkpoint of several parts is described with their number and their size together', async () => {
  const at = newLocation();
  await appendFiles(at, 2);
  const { protocol, metaData, files, txns } = await snapshotOf(at);
  const parts = [
    [{ protocol }, { metaData }, ...[...txns.values()].map((txn) => ({ txn }))],
    [...files.values()].map((add) => ({ add })),
  ].map((rows) => encodeCheckpointRows(rows).bytes);
  const paths = parts.map((_, part) =>
    checkpointPath('events', 2).replace('.parquet', `.000000000${part + 1}.0000000002.parquet`),
  );
  for (const [part, path] of paths.entries()) await at.store.put(path, parts[part] ?? new Uint8Array());
  expect(await inspectCheckpoint(at, { version: 2, paths })).toEqual({
    version: 2,
    size: 5,
    sizeInBytes: parts.reduce((sum, { length }) => sum + length, 0),
    numOfAddFiles: 2,
    parts: 2,
  });
});
