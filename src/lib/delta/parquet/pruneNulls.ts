import type { ColumnMetaData, FileMetaData, SchemaElement } from 'hyparquet';

/**
 * The metadata of the same file as if it had only this row group, without everything that has only nulls according to the statistics:
 * columns, and members of structs. That is most of a checkpoint: each row has one of five structs, and in an unpartitioned table two maps
 * of it are empty. Decoding them took most of the time and memory. Afterwards, an empty list or map looks like a missing one, so this is
 * not for data.
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

/** Whether a column chunk has only nulls, according to its statistics. */
export function holdsNulls({ statistics, num_values: values }: ColumnMetaData): boolean {
  const nulls = statistics?.null_count;
  return nulls !== undefined && nulls === values;
}

/**
 * The schema without what is left out. It is a list of the tree's nodes, depth first, in which each node has the number of its children.
 */
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
    // A member of a struct is kept or left out together with everything below it.
    if (path.length > 0 && path.length <= 2 && !isKept(path)) return [];
    const kept = children.filter(({ length }) => length > 0);
    return [{ ...element, num_children: kept.length }, ...kept.flat()];
  };
  return take([]);
}
