import type { AsyncBuffer, Compressors, RowGroup, SchemaElement, SchemaTree } from 'hyparquet';
import { type LeafColumn, LeafReader } from './leafColumn';
import { PackedTexts, type Texts, textsOf } from './packedTexts';
import { chunkOf } from './pageChecksums';
import { holdsNulls } from './pruneNulls';
import { unreadable } from './sourceFile';

/** The types of members. Large texts are unpacked only when they are asked for, if checksums prove that they are undamaged. */
export type MemberType = 'text' | 'large-text' | 'long' | 'boolean';

/** A struct whose members are read as columns, instead of making an object for each row. */
export interface WantedMembers {
  readonly struct: string;
  readonly types: Readonly<Record<string, MemberType>>;
}

/** Members of a struct by name, for each row. A member that is null in all rows is absent. */
export interface StructMembers {
  /** By row: not 0 if the struct is present, as far as these members tell. */
  readonly isThere: Uint8Array;
  readonly texts: ReadonlyMap<string, Texts>;
  /** Numbers by member; NaN for null. Longs beyond 2^53 are rounded. */
  readonly longs: ReadonlyMap<string, Float64Array>;
  readonly booleans: ReadonlyMap<string, readonly (boolean | undefined)[]>;
}

/** The wanted members that a file has as plain columns. Undefined if one of them has another form, or if the struct is missing. */
export function plainMembers(tree: SchemaTree, { struct, types }: WantedMembers): SchemaTree[][] | undefined {
  const parent = tree.children.find(({ element }) => element.name === struct);
  if (parent?.element.repetition_type !== 'OPTIONAL') return undefined;
  const wanted = parent.children.filter(({ element }) => types[element.name]);
  return wanted.every(({ element }) => isPlain(element, types[element.name]))
    ? wanted.map((member) => [tree, parent, member])
    : undefined;
}

function isPlain(
  { type, repetition_type: repetition, ...element }: SchemaElement,
  wanted: MemberType | undefined,
) {
  if (repetition === 'REPEATED') return false;
  const { converted_type: converted, logical_type: logical } = element;
  if (wanted === 'text' || wanted === 'large-text')
    return type === 'BYTE_ARRAY' && (converted === 'UTF8' || logical?.type === 'STRING');
  const hasMeaning = converted !== undefined || logical !== undefined;
  return type === (wanted === 'long' ? 'INT64' : 'BOOLEAN') && !hasMeaning;
}

export interface MembersOf {
  readonly file: AsyncBuffer;
  readonly group: RowGroup;
  /** The result of `plainMembers`. */
  readonly members: readonly SchemaTree[][];
  readonly wanted: WantedMembers;
  readonly compressors: Compressors;
  /** The table and the file, for errors about texts that are unpacked later. */
  readonly where: string;
}

/** Reads members of a struct. Throws if a page is damaged. */
export async function readMembers(of: MembersOf): Promise<StructMembers> {
  const { file, group, members, wanted, compressors } = of;
  const rows = Number(group.num_rows);
  const isThere = new Uint8Array(rows);
  const texts = new Map<string, Texts>();
  const longs = new Map<string, Float64Array>();
  const booleans = new Map<string, (boolean | undefined)[]>();
  const reader = await LeafReader.load();
  for (const schemaPath of members) {
    const { path, element: { name } = { name: '' } } = schemaPath.at(-1) ?? {};
    const column = group.columns.find(({ meta_data: data }) => data?.path_in_schema.join() === path?.join());
    const data = column?.meta_data;
    if (!data || holdsNulls(data)) continue;
    const { start, end } = chunkOf(data);
    const bytes = await file.slice(start, end);
    const read = () => reader.read({ bytes, data, schemaPath, rows, compressors });
    if (wanted.types[name] === 'large-text' && reader.hasChecksums(bytes)) {
      texts.set(name, new PackedTexts(() => orDamage(of.where, () => textsOf(read()))));
      continue;
    }
    const leaf = read();
    for (let row = 0; row < rows; row++) isThere[row] ||= leaf.definitions[row] ?? 0;
    if (data.type === 'BYTE_ARRAY') texts.set(name, textsOf(leaf));
    else if (data.type === 'INT64') longs.set(name, longsOf(leaf));
    else booleans.set(name, spread(leaf) as (boolean | undefined)[]);
  }
  return { isThere, texts, longs, booleans };
}

function orDamage<T>(where: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw unreadable(where, cause);
  }
}

/** The values with nulls in their places: one entry per row. */
function spread({ definitions, highest, values }: LeafColumn): unknown[] {
  let next = 0;
  return Array.from(definitions, (level) => (level === highest ? values[next++] : undefined));
}

function longsOf({ definitions, highest, values }: LeafColumn): Float64Array {
  const longs = new Float64Array(definitions.length).fill(Number.NaN);
  let next = 0;
  for (let row = 0; row < longs.length; row++)
    if (definitions[row] === highest) longs[row] = Number(values[next++]);
  return longs;
}
