import { expect, it } from 'vitest';
import { createTable, putCommit } from '../../../src/lib/delta/commit';
import { readDataFile } from '../../../src/lib/delta/readDataFile';
import { field } from '../../../src/lib/delta/schema';
import { TableAppender } from '../../../src/lib/delta/tableAppender';
import { checkpoint } from '../../../src/lib/maintenance/checkpoint';
import { checkTable } from '../../../src/lib/maintenance/checkTable';
import { compact } from '../../../src/lib/maintenance/compact';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { readRows, snapshotOf } from '../maintenance/table';

/*
 * Names of columns that mean something else to JavaScript's objects.
 */

it.each(['__proto__', 'constructor', 'length', '7'])(
  'a column named %s is written, read, compacted and checked like any other',
  async (name) => {
    const at = { store: new MemoryStore(), table: 'events' };
    const fields = [field('id', 'long'), field(name, 'string')];
    await createTable(at, fields, { 'delta.checkpoint.writeStatsAsStruct': 'true' });
    const table = new TableAppender({ at, fields });
    await table.appendRows([[1], ['one']], 1);
    for (const id of [2, 3]) await table.appendRows([[id], [null]], 1);
    expect(await compact({ at })).toMatchObject({ bins: [{ outcome: 'committed', inputs: 3 }] });
    await checkpoint({ at });
    await table.appendRows([[4], ['four']], 1);
    expect(await readRows(at)).toEqual([
      [1, 'one'],
      [2, null],
      [3, null],
      [4, 'four'],
    ]);
    expect((await checkTable({ at }))?.findings).toEqual([]);
  },
);

it('a partition column without a value is null, whatever its name', async () => {
  const at = { store: new MemoryStore(), table: 'events' };
  const fields = [field('id', 'long'), field('constructor', 'string')];
  const table = new TableAppender({ at, fields });
  await table.appendRows([[1], [null]], 1);
  const { version, metaData } = await snapshotOf(at);
  const partitioned = { ...metaData, partitionColumns: ['constructor'] };
  await putCommit(at, version + 1, [{ metaData: partitioned }], { operation: 'X', isBlindAppend: false });
  const snapshot = await snapshotOf(at);
  const [add] = [...snapshot.files.values()];
  if (!add) throw new Error('There is no file.');
  const { columns } = await readDataFile(snapshot, add, ['id', 'constructor']);
  expect(columns.get('constructor')).toEqual([null]);
});
