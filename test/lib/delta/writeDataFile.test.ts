import { parquetMetadata } from 'hyparquet';
import { expect, it } from 'vitest';
import { createTable } from '../../../src/lib/delta/commit';
import { openState } from '../../../src/lib/delta/openTable';
import { readDataFile } from '../../../src/lib/delta/readDataFile';
import { field, type Value } from '../../../src/lib/delta/schema';
import { restoreDataFile, writeDataFile } from '../../../src/lib/delta/writeDataFile';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';

const fields = [field('id', 'long', false), field('city', 'string'), field('note', 'string')];
const optional = fields.slice(1);

/** Writes rows, and reads from the file's footer which columns it has. */
async function write(columns: readonly (readonly Value[])[], of = fields) {
  const at = { store: new MemoryStore(), table: 'sales' };
  await createTable(at, of);
  const add = await writeDataFile({ at, fields: of, columns });
  const bytes = (await at.store.get(`sales/${add.path}`))?.bytes ?? new Uint8Array();
  const { schema } = parquetMetadata(new Uint8Array(bytes).buffer);
  return { at, add, bytes, names: schema.slice(1).map(({ name }) => name) };
}

it('leaves out a column of nulls alone, which reads as null and counts its nulls', async () => {
  const columns = [
    [1, 2],
    [null, null],
    ['a', null],
  ];
  const { at, add, names } = await write(columns);
  expect(names).toEqual(['id', 'note']);
  const state = await openState(at);
  if (!state) throw new Error('There is no table.');
  const read = await readDataFile(state, add, ['id', 'city', 'note']);
  expect([...read.columns.values()]).toEqual([
    [1, 2],
    [null, null],
    ['a', null],
  ]);
  expect(JSON.parse(add.stats ?? '')).toEqual({
    numRecords: 2,
    minValues: { id: 1, note: 'a' },
    maxValues: { id: 2, note: 'a' },
    nullCount: { id: 0, city: 2, note: 1 },
  });
});

it('keeps a column with a single value, and all where there would be none', async () => {
  expect(
    (
      await write([
        [1, 2],
        [null, 'x'],
        ['', null],
      ])
    ).names,
  ).toEqual(['id', 'city', 'note']);
  expect((await write([[null], [null]], optional)).names).toEqual(['city', 'note']);
});

it('makes the same file again where storage lost it', async () => {
  const columns = [
    [1, 2],
    [null, null],
    ['a', null],
  ];
  const { at, add, bytes } = await write(columns);
  await at.store.delete(`sales/${add.path}`);
  await restoreDataFile({ at, fields, columns }, add);
  expect((await at.store.get(`sales/${add.path}`))?.bytes).toEqual(bytes);
});

it('makes a file again only with the rows that it had', async () => {
  const { at, add, bytes } = await write([[1], ['a'], ['b']]);
  await at.store.delete(`sales/${add.path}`);
  const rows = (id: number, ...others: number[]) => {
    const ids = [id, ...others];
    return { at, fields, columns: [ids, ids.map(() => 'a'), ids.map(() => 'b')] };
  };
  await expect(restoreDataFile(rows(1, 2, 3), add)).rejects.toMatchObject({
    code: 'delta.invalid',
    message: `memory/sales: the file ${add.path} cannot be made again.`,
  });
  expect(await at.store.get(`sales/${add.path}`)).toBeUndefined();
  await restoreDataFile(rows(1), add);
  expect((await at.store.get(`sales/${add.path}`))?.bytes).toEqual(bytes);
});
