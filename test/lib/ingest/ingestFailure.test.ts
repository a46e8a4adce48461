import { beforeEach, describe, expect, it } from 'vitest';
import {
  failurePath,
  type IngestFailure,
  readFailure,
  readFailures,
  writeFailure,
} from '../../../src/lib/ingest/ingestFailure';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';

const failure: IngestFailure = {
  stream: 'clickstream',
  partitionId: '3',
  code: 'ingest.gap',
  message: 'a reader ran ahead',
  since: '2026-01-01T00:00:00.000Z',
  lastFailure: '2026-01-01T00:01:00.000Z',
  attempts: 4,
};
/** What a partition's file holds. */
const { partitionId: partition, ...others } = failure;
const record = { ...others, partition };
const path = failurePath('clickstream', '3');

let store: MemoryStore;
beforeEach(() => {
  store = new MemoryStore();
});

describe('the failure of a partition', () => {
  it('is read as it was written, by whichever process', async () => {
    expect(await readFailure(store, path)).toBeUndefined();
    await writeFailure(store, failure);
    await writeFailure(store, { ...failure, stream: 'prices', partitionId: '0/1' });
    expect(JSON.parse(Buffer.from((await store.get(path))?.bytes ?? []).toString())).toEqual(record);
    expect(await readFailure(store, path)).toEqual(failure);
    expect(
      (await readFailures(store)).map(({ stream, partitionId }) => `${stream} ${partitionId}`).sort(),
    ).toEqual(['clickstream 3', 'prices 0/1']);
  });

  const fields = ['stream', 'partition', 'code', 'message', 'since', 'lastFailure', 'attempts'];
  it.each([
    ...fields.map((name) => ({ name, value: undefined })),
    ...fields.map((name) => ({ name, value: ['x'] })),
    { name: 'since', value: 'yesterday' },
    { name: 'lastFailure', value: 'never' },
    { name: 'attempts', value: 1.5 },
  ])(
    'is passed over where somebody wrote another $name, $value, and keeps no other from being read',
    async (change) => {
      await writeFailure(store, { ...failure, partitionId: '4' });
      await store.put(path, Buffer.from(JSON.stringify({ ...record, [change.name]: change.value })));
      expect(await readFailure(store, path)).toBeUndefined();
      expect(await readFailures(store)).toEqual([{ ...failure, partitionId: '4' }]);
    },
  );

  it.each(['clicks', 'a/b-c_1'])('names the table %s that a command must mend', async (table) => {
    await writeFailure(store, { ...failure, table });
    expect(await readFailure(store, path)).toEqual({ ...failure, table });
  });

  it('says why the table is refused, in words, and nothing where somebody wrote something else', async () => {
    await writeFailure(store, { ...failure, table: 'clicks', refusal: 'It needs a feature.' });
    expect(await readFailure(store, path)).toEqual({
      ...failure,
      table: 'clicks',
      refusal: 'It needs a feature.',
    });
    await store.put(path, Buffer.from(JSON.stringify({ ...record, refusal: 7 })));
    expect(await readFailure(store, path)).toEqual(failure);
  });

  it.each(['', 'a b', '; rm', 'clicks; rm', '$(x)', 7, null])(
    'names no table where somebody wrote %j, because people copy the command',
    async (table) => {
      await store.put(path, Buffer.from(JSON.stringify({ ...record, table })));
      expect(await readFailure(store, path)).toEqual(failure);
    },
  );

  it.each(['', '{', 'null', '7', '[]'])('is passed over where its file holds %j', async (text) => {
    await store.put(path, Buffer.from(text));
    expect(await readFailures(store)).toEqual([]);
  });
});
