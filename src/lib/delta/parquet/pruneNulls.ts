import type { ColumnMetaData, FileMetaData, SchemaElement } from 'hyparquet';

/**
 * The same file as if it had only this row group, without the columns, and the members of structs, of which the statistics
 * say that nothing but nulls is in them. A checkpoint is mostly that: a row has one of five structs, and in an unpartitioned
 * table two maps of it are empty; to decode them took most of the time and memory. An empty list or map is then as good
 * as none, so this is not for data.
 * @param isTaken whether a leaf of this path is left out as well
 */
export function pruneNulls(
  metadata: FileMetaData,
  group: FileMetaData['row_groups'][number],
  isTaken: (path: readonly string[]) => boolean,
): FileMetaData {
  const full = new Set<string>();
  for (const { meta_data } of group.columns) {
    if (!meta_data || holdsNulls(meta_data) || isTaken(meta_data.path_in_schema)) continue;
    // The column and the struct's member that the leaf belongs to.
    const [top = '', member = ''] = meta_data.path_in_schema;
    full.add(top);
    full.add(`${top}\n${member}`);
  }
  const isKept = ([top = '', member]: readonly string[]) =>
    full.has(member === undefined ? top : `${top}\n${member}`);
  return {
    ...metadata,
    schema: pruneSchema(metadata.schema, isKept),
    row_groups: [
      { ...group, columns: group.columns.filter(({ meta_data }) => isKept(meta_data?.path_in_schema ?? [])) },
    ],
  };
}

/** Whether the statistics of a column chunk say that it holds nothing but nulls. */
export function holdsNulls({ statistics, num_values: values }: ColumnMetaData): boolean {
  const nulls = statistics?.null_count;
  return nulls !== undefined && nulls === values;
}

/** The schema is its tree, depth first; parents count their children. */
function pruneSchema(
  schema: readonly SchemaElement[],
  isKept: (path: readonly string[]) => boolean,
): SchemaElement[] {
  let at = 0;
  const take = (path: readonly string[]): SchemaElement[] => {
    const element = schema[at++];
    if (!element) return [];
    const children = Array.from({ length: element.num_children ?? 0 }, () =>
      take([...path, schema[at]?.name ?? '']),
    );
    // Below a member of a struct all is kept, or all goes with it.
    if (path.length > 0 && path.length <= 2 && !isKept(path)) return [];
    const kept = children.filter(({ length }) => length > 0);
    return [{ ...element, num_children: kept.length }, ...kept.flat()];
  };
  return take([]);
}
