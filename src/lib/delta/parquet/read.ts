import type {
  AsyncBuffer,
  ColumnData,
  Compressors,
  DecodedArray,
  FileMetaData,
  RowGroup,
  SchemaElement,
  SchemaTree,
} from 'hyparquet';
import { TributaryError } from '../../errors';
import { nextTurn } from '../../nextTurn';
import { describeType, type Field, isReadableType, type ReadValue } from '../schema';
import { columnProblem } from './columnTypes';
import { compressorsFor } from './compressors';
import { convertLeaf, convertValue, type Meaning, parsers, withoutLossyTypes } from './convert';
import { checkPages } from './pageChecksums';
import { pruneNulls } from './pruneNulls';
import { readSpan, type StoredRowGroup, withSpan } from './readSpan';
import { type ByteSource, SourceFile, unreadable } from './sourceFile';
import { plainMembers, readMembers, type StructMembers, type WantedMembers } from './structMembers';

export interface ReadOptions {
  readonly source: ByteSource;
  /** The wanted top-level columns; all of them if missing. */
  readonly columns?: readonly string[];
  /** The expected columns. A column of the file must be as described here, and one that takes no nulls must not be missing. */
  readonly fields?: readonly Field[];
  /** True to skip, in each row group, whatever has only nulls according to the statistics: whole columns and members of structs. */
  readonly skipNulls?: boolean;
  /** Can be given with `skipNulls`: a wanted struct, some members of which are read as columns of their own, if the file allows it. */
  readonly members?: WantedMembers;
  /** The table and the file, for errors. */
  readonly where: string;
}

export interface ReadColumns {
  readonly numRecords: number;
  /** One value per row. A wanted column that the file does not have is missing here: the caller fills it with nulls. */
  readonly columns: Map<string, ReadValue[]>;
  /** The members that were asked for. Then the struct in `columns` does not have them. Undefined if the file does not allow it. */
  readonly members?: StructMembers | undefined;
  /**
   * The row group as it is stored. It is given if members are, if the row group was read as a whole, and if all of its pages have
   * checksums.
   */
  readonly stored?: StoredRowGroup | undefined;
  /** The further entries of the footer. */
  readonly keyValues: ReadonlyMap<string, string>;
}

/**
 * Reads columns of a Parquet file without loss. Longs become numbers if that is exact, otherwise bigints. Timestamps of any unit (also
 * INT96) become microseconds, dates become days, decimals text with all their digits, structs and maps objects, lists arrays. A file of up
 * to 512 KiB is read with one request; of a larger one, only the footer and the chunks of the wanted columns are read. Throws
 * `parquet.invalid`, naming `where`, when the file is damaged, cut short or uses something that is not read.
 */
export async function readParquet(options: ReadOptions): Promise<ReadColumns> {
  let numRecords = 0;
  let columns = new Map<string, ReadValue[]>();
  let keyValues: ReadColumns['keyValues'] = new Map();
  for await (const group of readRowGroups(options)) {
    ({ keyValues } = group);
    if (numRecords === 0) columns = group.columns;
    else for (const [name, values] of group.columns) append(columns.get(name) ?? [], values);
    numRecords += group.numRecords;
  }
  return { numRecords, columns, keyValues };
}

/**
 * Like `readParquet`, but one row group after the other, so that a file of any size needs the memory of its largest row group. The first
 * result comes even if the file has no rows, and tells which columns there are.
 */
export async function* readRowGroups(options: ReadOptions): AsyncGenerator<ReadColumns, void> {
  try {
    yield* decodeRowGroups(options);
  } catch (cause) {
    throw unreadable(options.where, cause);
  }
}

async function* decodeRowGroups(options: ReadOptions): AsyncGenerator<ReadColumns, void> {
  const parquet = await openFile(options);
  const { metadata, names, keyValues } = parquet;
  if (metadata.row_groups.length === 0)
    yield { numRecords: 0, columns: new Map(names.map((name) => [name, []])), keyValues };
  for (const group of metadata.row_groups) yield await decodeRowGroup(parquet, group, options);
}

/** A file whose footer was read and fits the table's schema. */
interface ParquetFile {
  readonly file: SourceFile;
  readonly metadata: FileMetaData;
  readonly meanings: ReadonlyMap<SchemaElement, Meaning>;
  /** The wanted columns that the file has. */
  readonly names: readonly string[];
  readonly keyValues: ReadColumns['keyValues'];
  readonly compressors: Compressors;
  readonly members: SchemaTree[][] | undefined;
}

async function openFile({ source, where, columns, fields = [], members }: ReadOptions): Promise<ParquetFile> {
  const { parquetMetadata, parquetSchema } = await import('hyparquet/src/metadata.js');
  const file = new SourceFile(source, where);
  const original = parquetMetadata(await file.readFooter(), { geoparquet: false });
  const tree = parquetSchema(original);
  checkMetadata(original, tree);
  const elements = tree.children.map(({ element }) => element);
  for (const field of fields) {
    const element = elements.find(({ name }) => name === field.name);
    checkColumn(field, element, where);
  }
  const meanings = new Map<SchemaElement, Meaning>();
  const schema = original.schema.map((from) => {
    const { element, meaning } = withoutLossyTypes(from);
    if (meaning) meanings.set(element, meaning);
    return element;
  });
  const names = elements.map(({ name }) => name).filter((name) => columns?.includes(name) ?? true);
  const keyValues = new Map(
    original.key_value_metadata?.map(({ key, value = '' }) => [key, value] as const) ?? [],
  );
  return {
    file,
    metadata: { ...original, schema },
    meanings,
    names,
    keyValues,
    compressors: await compressorsFor(original),
    members: members && plainMembers(tree, members),
  };
}

/** A row group of this many rows or more is decoded one column at a time. */
const manyRows = 4096;

async function decodeRowGroup(
  { file, metadata, meanings, names, keyValues, compressors, members }: ParquetFile,
  group: RowGroup,
  { skipNulls = false, members: wanted, where }: ReadOptions,
): Promise<ReadColumns> {
  const { parquetSchema } = await import('hyparquet/src/metadata.js');
  const { parquetRead } = await import('hyparquet/src/read.js');
  const numRecords = Number(group.num_rows);
  const taken = new Set(members?.map((path) => path.at(-1)?.path.join('\n')));
  const isTaken = (path: readonly string[]) => taken.has(path.join('\n'));
  const single = skipNulls ? pruneNulls(metadata, group, isTaken) : { ...metadata, row_groups: [group] };
  const present = parquetSchema(single).children.filter(({ element }) => names.includes(element.name));
  const checked = await checkPages(file, group);
  const stored = members && (await readSpan(checked, group, metadata.created_by));
  const buffer = stored ? withSpan(checked, stored) : checked;
  const columns = new Map<string, ReadValue[]>();
  // A large row group is decoded column by column, so that other work can go on in between. All of it is fetched before that.
  const isLarge = numRecords >= manyRows;
  const fetched = isLarge ? await fetchColumns(buffer, single, present) : buffer;
  for (const nodes of isLarge ? present.map((node) => [node]) : [present]) {
    if (nodes.length === 0) continue;
    const chunks: ColumnData[] = [];
    await parquetRead({
      file: fetched,
      metadata: single,
      columns: nodes.map(({ element }) => element.name),
      rowStart: 0,
      rowEnd: numRecords,
      compressors,
      parsers,
      utf8: false,
      geoparquet: false,
      onChunk: (chunk) => chunks.push(chunk),
    });
    for (const node of nodes) columns.set(node.element.name, toValues(chunks, node, meanings, numRecords));
    if (isLarge) await nextTurn();
  }
  const found =
    wanted && members && (await readMembers({ file: buffer, group, members, wanted, compressors, where }));
  // A row group with pages that have no checksum must not be passed on as it is: nobody could tell whether it is damaged.
  return { numRecords, columns, members: found, ...(!checked.hasUnchecked && { stored }), keyValues };
}

/** Fetches columns of a row group with as few requests as hyparquet plans for all of them together. */
async function fetchColumns(
  file: AsyncBuffer,
  metadata: FileMetaData,
  columns: readonly SchemaTree[],
): Promise<AsyncBuffer> {
  const { parquetPlan, prefetchAsyncBuffer } = await import('hyparquet/src/plan.js');
  const names = columns.map(({ element }) => element.name);
  return prefetchAsyncBuffer(file, parquetPlan({ file, metadata, columns: names }));
}

/** The values of a column. Throws if their number is not the number of rows of the row group. */
function toValues(
  chunks: readonly ColumnData[],
  node: SchemaTree,
  meanings: ReadonlyMap<SchemaElement, Meaning>,
  numRecords: number,
): ReadValue[] {
  const { name } = node.element;
  const values: ReadValue[] = [];
  for (const { columnName, columnData } of chunks)
    if (columnName === name) appendConverted(values, columnData, node, meanings);
  if (values.length !== numRecords)
    throw new Error(`column ${name} has ${values.length} values in a row group of ${numRecords} rows`);
  return values;
}

/** Appends values one by one, because spreading the values of a row group would overflow the stack. */
function append(into: ReadValue[], values: readonly ReadValue[]): void {
  for (const value of values) into.push(value);
}

/** Throws if a column of the file does not fit the table's schema, and `delta.unsupported` if it cannot be read. */
function checkColumn(field: Field, element: SchemaElement | undefined, where: string): void {
  const { name, nullable, type } = field;
  if (element && !isReadableType(type))
    throw new TributaryError(
      'delta.unsupported',
      `${where}: the column ${name} has the type ${describeType(type)}, which is not implemented. The other columns can be read.`,
    );
  const missing = nullable ? undefined : `column ${name} is not there, but takes no nulls`;
  const problem = element ? columnProblem(element, field) : missing;
  if (problem !== undefined)
    throw new TributaryError('parquet.invalid', `${where}: the file has another schema: ${problem}.`);
}

/** Throws for metadata that would make the reader return wrong values without an error. */
function checkMetadata(metadata: FileMetaData, tree: SchemaTree): void {
  const leaves = leavesOf(tree);
  const groupRows = metadata.row_groups.reduce((sum, group) => sum + group.num_rows, 0n);
  if (groupRows !== metadata.num_rows)
    throw new Error(`the row groups hold ${groupRows} rows where ${metadata.num_rows} were announced`);
  for (const { columns } of metadata.row_groups) {
    for (const { file_path, meta_data } of columns) {
      if (file_path) throw new Error(`a column lies in another file, ${file_path}`);
      if (!meta_data) throw new Error('a column is encrypted');
    }
    // Both lists are written from the same schema. A flipped bit in one of them could give a column to another name, or to none.
    const written = columns.map(({ meta_data: data }) => `${data?.path_in_schema.join('.')} ${data?.type}`);
    if (written.join() !== leaves.join())
      throw new Error(
        `a row group has the columns ${written.join(', ')}, and the schema ${leaves.join(', ')}`,
      );
  }
}

/** The columns that have no members, each as its path and physical type. */
const leavesOf = ({ path, element, children }: SchemaTree): string[] =>
  children.length > 0 ? children.flatMap(leavesOf) : [`${path.join('.')} ${element.type}`];

function appendConverted(
  into: ReadValue[],
  data: DecodedArray,
  node: SchemaTree,
  meanings: ReadonlyMap<SchemaElement, Meaning>,
): void {
  const meaning = meanings.get(node.element);
  const isFlat = node.children.length === 0 && node.element.repetition_type !== 'REPEATED';
  for (let at = 0; at < data.length; at++) {
    const raw: unknown = data[at];
    into.push(isFlat ? convertLeaf(raw, meaning) : convertValue(raw, node, meanings));
  }
}
