import { ParquetSchema } from 'parquetjs-lite';
import { beforeEach, expect, it } from 'vitest';
import { putCommit } from '../../../src/lib/delta/commit';
import {
  checkpointPath,
  commitPath,
  lastCheckpointPath,
  type TableLocation,
} from '../../../src/lib/delta/log';
import { openState } from '../../../src/lib/delta/openTable';
import { FileWriter } from '../../../src/lib/delta/parquet/fileWriter';
import { createShredder, fieldDefinition } from '../../../src/lib/delta/parquet/nested';
import { dayMs } from '../../../src/lib/duration';
import { checkpoint } from '../../../src/lib/maintenance/checkpoint';
import { vacuum } from '../../../src/lib/maintenance/vacuum';
import { DatedStore } from './datedStore';
import { appendFiles, pathsOf, readRows, snapshotOf } from './table';

/*
 * A checkpoint of the feature v2Checkpoint may have the name of a classic one (PROTOCOL.md, "V2 Spec"), and its files in sidecars. It
 * is still there if the feature was turned off again.
 */

const shapes = {
  protocol: { minReaderVersion: 'integer', minWriterVersion: 'integer' },
  metaData: {
    id: 'string',
    format: { provider: 'string', options: 'map' },
    schemaString: 'string',
    partitionColumns: 'list',
    configuration: 'map',
  },
  sidecar: { path: 'string', sizeInBytes: 'long', modificationTime: 'long' },
} as const;

const now = Date.now();
let at: TableLocation;
let store: DatedStore;

/** The checkpoint is of version 4; version 5 turns the feature off. */
beforeEach(async () => {
  store = new DatedStore();
  at = { store, table: 'events' };
  await appendFiles(at, 3);
  const { protocol, metaData } = await snapshotOf(at);
  const features = ['v2Checkpoint'];
  const withFeature = {
    minReaderVersion: 3,
    minWriterVersion: 7,
    readerFeatures: features,
    writerFeatures: features,
  };
  const description = { operation: 'UPGRADE PROTOCOL', isBlindAppend: false };
  await putCommit(at, 4, [{ protocol: withFeature }], description);
  await putCommit(at, 5, [{ protocol }], description);
  const sidecar = { path: 'x.parquet', sizeInBytes: 1, modificationTime: 1 };
  await store.put(checkpointPath(at.table, 4), checkpointOf([{ protocol }, { metaData }, { sidecar }]));
  await store.put(lastCheckpointPath(at.table), Buffer.from('{"version":4,"size":3}'));
});

function checkpointOf(rows: readonly Readonly<Record<string, unknown>>[]): Buffer {
  const definitions = Object.entries(shapes).map(([name, shape]) => [name, fieldDefinition(shape)]);
  const writer = new FileWriter(new ParquetSchema(Object.fromEntries(definitions)));
  const chunks = Object.entries(shapes).flatMap(([name, shape]) => {
    const shredder = createShredder(shape, name);
    for (const row of rows) shredder.add(row[name], 0, 0);
    return shredder.takeChunks();
  });
  writer.writeRowGroup(rows.length, chunks);
  return writer.finish();
}

it('a checkpoint with sidecars is left out, where the log has the versions below', async () => {
  expect(await readRows(at)).toHaveLength(30);
  expect(await checkpoint({ at })).toMatchObject({ outcome: 'written', files: 3 });
  expect(await readRows(at)).toHaveLength(30);
});

it('otherwise the table cannot be opened, and vacuum deletes no file that may be live', async () => {
  for (const version of [0, 1, 2, 3]) await store.delete(commitPath(at.table, version));
  for (const path of await pathsOf(at)) store.date(path, now - 60 * dayMs);
  store.date(commitPath(at.table, 5), now);
  const before = await pathsOf(at);
  const refused = { code: 'delta.invalid', message: expect.stringContaining('sidecars') };
  await expect(openState(at)).rejects.toMatchObject(refused);
  await expect(vacuum({ at, now })).rejects.toMatchObject(refused);
  expect(await pathsOf(at)).toEqual(before);
});
