import type { SchemaElement, SchemaTree } from 'hyparquet';
import { expect, it } from 'vitest';
import { addMembers } from '../../../../src/lib/delta/fileRows';
import { type CheckpointRow, encodeCheckpointRows } from '../../../../src/lib/delta/parquet/encodeCheckpoint';
import { type ReadColumns, readRowGroups } from '../../../../src/lib/delta/parquet/read';
import { plainMembers } from '../../../../src/lib/delta/parquet/structMembers';
import { sourceOf } from './byteSource';

const add = {
  path: 'a',
  partitionValues: {},
  size: 1,
  modificationTime: 2,
  dataChange: false,
  stats: '{}',
};

async function readAdds(rows: readonly CheckpointRow[]): Promise<ReadColumns[]> {
  const options = { columns: ['add'], skipNulls: true, members: addMembers, where: 'checkpoint' };
  const source = sourceOf(encodeCheckpointRows(rows).bytes);
  const groups: ReadColumns[] = [];
  for await (const group of readRowGroups({ source, ...options })) groups.push(group);
  return groups;
}

it('members that are read as columns are not read as objects, too', async () => {
  const [group] = await readAdds([{ add }, { add: { ...add, path: 'b' } }]);
  expect([0, 1].map((row) => group?.members?.texts.get('path')?.at(row))).toEqual(['a', 'b']);
  expect(group?.columns.get('add')).toBeUndefined();
});

it('an object holds the other members alone', async () => {
  const [group] = await readAdds([{ add }, { add: { ...add, tags: { zone: 'b' } } }]);
  expect(group?.columns.get('add')).toEqual([{ tags: null }, { tags: { zone: 'b' } }]);
});

it.each(['OPTIONAL', 'REQUIRED', 'REPEATED'] as const)(
  'a member that is %s may be a column unless it is a list',
  (repetition) => {
    const node = (element: SchemaElement, children: SchemaTree[] = []): SchemaTree => ({
      children,
      element,
      count: 1,
      path: [],
    });
    const size = node({ name: 'size', type: 'INT64', repetition_type: repetition });
    const tree = node({ name: 'root' }, [node({ name: 'add', repetition_type: 'OPTIONAL' }, [size])]);
    const members = plainMembers(tree, { struct: 'add', types: { size: 'long' } });
    expect(members?.map((path) => path.at(-1))).toEqual(repetition === 'REPEATED' ? undefined : [size]);
  },
);
