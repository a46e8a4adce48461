import { isDamage } from '../errors';
import { ownMember } from '../ownMember';
import type { Add } from './actions';
import { dataFilePath, describeVersion } from './log';
import { dataFile } from './openDataFile';
import { readRowGroups } from './parquet/read';
import { partitionValue } from './partitionValue';
import type { Field, ReadValue } from './schema';
import { ensureWithoutVector, type TableState } from './state';

/** Rows of one file by column name. All columns have the same length. */
export interface FileRows {
  readonly numRecords: number;
  readonly columns: ReadonlyMap<string, readonly ReadValue[]>;
}

/**
 * The wanted columns of one live file, by name. A column that the file does not have is all nulls; a partition column has the value that
 * the log gives.
 * @throws `parquet.invalid` naming table, version and file when it is gone, damaged or of another schema; `delta.unsupported` for a
 * deletion vector, and for a wanted column of a type that is not implemented
 */
export async function readDataFile(
  state: TableState,
  add: Add,
  wanted: readonly string[],
): Promise<FileRows> {
  const groups: FileRows[] = [];
  for await (const group of readDataFileGroups(state, add, wanted)) groups.push(group);
  const [only] = groups;
  if (only && groups.length === 1) return only;
  return {
    numRecords: groups.reduce((sum, { numRecords }) => sum + numRecords, 0),
    columns: new Map(
      wanted.map((name) => [
        name,
        ([] as ReadValue[]).concat(...groups.map(({ columns }) => columns.get(name) ?? [])),
      ]),
    ),
  };
}

/** Like `readDataFile`, but one row group after the other, so that a file of any size needs the memory of its largest row group. */
export async function* readDataFileGroups(
  state: TableState,
  add: Add,
  wanted: readonly string[],
): AsyncGenerator<FileRows, void> {
  const { at, version, metaData } = state;
  const path = dataFilePath(at, add.path, version);
  ensureWithoutVector(add, describeVersion(at, version));
  const where = `${describeVersion(at, version)}, file ${add.path}`;
  const source = dataFile({ store: at.store, path, where }, add.size);
  const isPartition = (name: string) => metaData.partitionColumns.includes(name);
  const inFile = wanted.filter((name) => !isPartition(name));
  const fields = state.fields.filter(({ name }) => inFile.includes(name));
  const fixed = new Map<string, ReadValue>();
  for (const field of state.fields) {
    if (wanted.includes(field.name) && isPartition(field.name))
      fixed.set(field.name, partitionValue(field, textOf(add, field), where));
  }
  for await (const { numRecords, columns } of readRowGroups({ source, columns: inFile, fields, where })) {
    const complete = new Map<string, readonly ReadValue[]>();
    for (const name of wanted)
      complete.set(name, columns.get(name) ?? new Array(numRecords).fill(fixed.get(name) ?? null));
    yield { numRecords, columns: complete };
  }
}

const textOf = ({ partitionValues }: Add, { name }: Field): string | null | undefined =>
  ownMember(partitionValues, name) as string | null | undefined;

/**
 * The first of these files that is missing in the store. Undefined if none is missing, or if `error`, with which reading failed, is no
 * damage.
 */
export async function findGone(
  error: unknown,
  { at, version }: TableState,
  files: Iterable<Add>,
): Promise<Add | undefined> {
  if (!isDamage(error)) return undefined;
  for (const add of files)
    if (!(await at.store.getRange(dataFilePath(at, add.path, version), 0, 1))) return add;
  return undefined;
}
