import { describe, expect, it } from 'vitest';
import { type Action, parseCommit, serializeCommit } from '../../../src/lib/delta/actions';
import { effectOnRows } from '../../../src/lib/delta/rowEffect';

const add = (dataChange?: boolean) =>
  ({ add: { path: 'a', partitionValues: {}, size: 1, modificationTime: 1, dataChange } }) as Action;
const remove = (dataChange?: boolean) =>
  ({ remove: { path: 'b', deletionTimestamp: 1, dataChange } }) as Action;
const metaData = (id: string): Action => ({
  metaData: {
    id,
    format: { provider: 'parquet' },
    schemaString: '{"type":"struct","fields":[]}',
    partitionColumns: [],
    configuration: {},
  },
});
const txn: Action = { txn: { appId: 'p0', version: 1 } };

const effectOf = (...actions: Action[]) =>
  effectOnRows(parseCommit(serializeCommit(actions), 1, 'a commit'), 'ours');

describe('what a commit does to the rows', () => {
  it.each<[string, Action[]]>([
    ['moves a txn alone', [txn]],
    ['changes the schema', [metaData('ours')]],
    ['writes the same rows into another file', [remove(false), add(false)]],
  ])('is nothing where it %s', (_what, actions) => {
    expect(effectOf(...actions)).toEqual({ effect: 'none' });
  });

  it('is an append if it adds rows, with the files that add them', () => {
    const { add: file } = add(true) as { add: object };
    expect(effectOf(txn, add(true))).toEqual({ effect: 'append', files: [file] });
    expect(effectOf(remove(false), add(false), add(true))).toEqual({ effect: 'append', files: [file] });
    expect(effectOf(metaData('ours'), add())).toMatchObject({ effect: 'append', files: [{ path: 'a' }] });
  });

  it.each<[string, Action[]]>([
    [
      'turns on a feature that is not implemented',
      [{ protocol: { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['columnMapping'] } }],
    ],
    ['takes rows away', [remove(true)]],
    ['takes rows away', [add(true), remove()]],
    ['makes the table another one', [metaData('another'), add(true)]],
  ])('is a rewrite where it %s', (reason, actions) => {
    expect(effectOf(...actions)).toEqual({ effect: 'rewrite', reason });
  });
});
