import { beforeEach, describe, expect, it } from 'vitest';
import { addColumns } from '../../../src/lib/delta/addColumns';
import { append, createTable, putCommit } from '../../../src/lib/delta/commit';
import { readCommit, type TableLocation } from '../../../src/lib/delta/log';
import { openSnapshot, openState } from '../../../src/lib/delta/openTable';
import { readDataFile } from '../../../src/lib/delta/readDataFile';
import { field } from '../../../src/lib/delta/schema';
import { writeDataFile } from '../../../src/lib/delta/writeDataFile';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';

const fields = [field('id', 'long', false), field('name', 'string')];
let at: TableLocation;
beforeEach(async () => {
  at = { store: new MemoryStore(), table: 'events' };
  await createTable(at, fields);
});

async function stateOf() {
  const state = await openState(at);
  if (!state) throw new Error('no table');
  return state;
}

describe('adding columns', () => {
  it('is one commit, after which old files read as null and narrower rows are still taken', async () => {
    const old = await writeDataFile({ at, fields, columns: [[1], ['a']] });
    await append({ state: await stateOf(), fields, adds: [old], txns: [] });
    const price = field('price', 'double');
    const { outcome, state } = await addColumns(at, [...fields, price]);
    expect([outcome, state.version, state.fields]).toEqual(['committed', 2, [...fields, price]]);
    expect((await readCommit(at, 2))?.commitInfo).toMatchObject({
      operation: 'ADD COLUMNS',
      operationParameters: { columns: JSON.stringify([{ column: price }]) },
      isBlindAppend: false,
    });
    const wide = await writeDataFile({ at, fields: state.fields, columns: [[2], ['b'], [1.5]] });
    await append({ state, fields: state.fields, adds: [wide], txns: [] });
    const narrow = await writeDataFile({ at, fields, columns: [[3], ['c']] });
    await append({ state: await stateOf(), fields, adds: [narrow], txns: [] });
    const snapshot = await openSnapshot(at);
    const prices = [];
    for (const add of snapshot?.files.values() ?? []) {
      const { columns } = await readDataFile(await stateOf(), add, ['id', 'price']);
      prices.push([columns.get('id')?.[0], columns.get('price')?.[0]]);
    }
    expect(prices.sort()).toEqual([
      [1, null],
      [2, 1.5],
      [3, null],
    ]);
  });

  it('keeps all other metadata of the table and of its columns', async () => {
    const { metaData } = await stateOf();
    const schema = JSON.parse(metaData.schemaString);
    schema.fields[1].metadata = { comment: 'as the shop calls it' };
    schema.fields[1].unknown = true;
    const rewritten = {
      ...metaData,
      description: 'kept',
      later: { of: 'somebody' },
      schemaString: JSON.stringify(schema),
    };
    await putCommit(at, 1, [{ metaData: rewritten }], { operation: 'CHANGE', isBlindAppend: false });
    await addColumns(at, [field('price', 'double')]);
    const after = (await stateOf()).metaData;
    expect(after).toEqual({ ...rewritten, schemaString: after.schemaString });
    expect(JSON.parse(after.schemaString).fields).toEqual([...schema.fields, field('price', 'double')]);
  });

  it('is no commit when they are there', async () => {
    expect((await addColumns(at, fields)).outcome).toBe('unchanged');
    expect((await addColumns(at, [field('id', 'long', false)])).state.version).toBe(0);
  });

  it('succeeds while other writers commit, and ends with the columns of all', async () => {
    await Promise.all([
      ...[1, 2, 3].map((n) => addColumns(at, [field(`c${n}`, 'long'), field('shared', 'string')])),
      append({ state: await stateOf(), fields, adds: [], txns: [{ appId: 'p', version: 1 }] }),
    ]);
    const { fields: after, txns } = await stateOf();
    expect(after.map(({ name }) => name).sort()).toEqual(['c1', 'c2', 'c3', 'id', 'name', 'shared']);
    expect(txns.size).toBe(1);
  });

  const refused: readonly (readonly [string, ReturnType<typeof field>[], string])[] = [
    [
      'takes no nulls',
      [field('price', 'double', false)],
      'the new column price takes no nulls, which earlier rows would have',
    ],
    ['changes its type', [field('id', 'integer', false)], "the table's column id is long, wanted is integer"],
    ['may be null where it must not', [field('id', 'long')], "the table's column id takes no nulls"],
    ['differs in case', [field('NAME', 'string')], "the table's column name differs in case from NAME"],
    [
      'is of a type that is not written',
      [field('price', 'decimal(10,2)')],
      'the new column price has a type that is not written',
    ],
  ];

  it.each(refused)('is refused with both schemas when a column %s', async (_what, wanted, problem) => {
    await expect(addColumns(at, wanted)).rejects.toMatchObject({
      code: 'delta.schema',
      message: expect.stringContaining(
        `memory/events version 0: columns cannot be added: ${problem}. The table has (id long not null, name string), wanted are (${wanted[0]?.name} `,
      ),
    });
    expect((await stateOf()).version).toBe(0);
  });

  it('is refused where another writer turns on a feature meanwhile that is not implemented', async () => {
    const { store } = at;
    const putIfAbsent = store.putIfAbsent.bind(store);
    store.putIfAbsent = async (path, bytes) => {
      store.putIfAbsent = putIfAbsent;
      const protocol = { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['rowTracking'] };
      await putCommit(at, 1, [{ protocol }], { operation: 'UPGRADE PROTOCOL', isBlindAppend: false });
      return putIfAbsent(path, bytes);
    };
    await expect(addColumns(at, [field('price', 'double')])).rejects.toMatchObject({
      code: 'delta.unsupported',
      message: expect.stringContaining('rowTracking'),
    });
    expect((await stateOf()).version).toBe(1);
  });

  it('is refused even if only a later one of the new columns is wrong', async () => {
    await expect(addColumns(at, [field('price', 'double'), field('shop', 'string', false)])).rejects.toThrow(
      'the new column shop takes no nulls, which earlier rows would have',
    );
  });

  it('refuses names that readers cannot take, and a table that is not there', async () => {
    await expect(addColumns(at, [field('a b', 'long')])).rejects.toMatchObject({ code: 'delta.schema' });
    await expect(addColumns(at, [field('a', 'long'), field('A', 'long')])).rejects.toMatchObject({
      code: 'delta.schema',
    });
    await expect(addColumns({ ...at, table: 'none' }, [field('a', 'long')])).rejects.toThrow(
      'memory/none: there is no Delta table',
    );
  });
});
