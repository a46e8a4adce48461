import type { Engine, SqlRow, SqlTable } from './engine';
import { seesOthers } from './rights';
import { type Layout, SqlError } from './syntax';

/** The rows of a system view. */
export function systemRows(engine: Engine, name: string): SqlRow[] {
  if (name === 'sys.schemas') return [...engine.schemas].map((schema) => ({ name: schema }));
  if (name === 'sys.objects')
    return [
      ...[...engine.tables].map(([table, one]) => objectRow(table, one)),
      ...[...engine.views].map(([view, id]) => ({ object_id: id, name: view, type: 'V' })),
    ];
  const read = views[name];
  if (!read || (name.startsWith('sys.pdw_') && engine.options.dialect !== 'pool'))
    throw new SqlError(208, `Invalid object name '${name}'.`);
  return [...engine.tables.values()].flatMap((table) => read(table, engine));
}

const objectRow = (name: string, { createdAt, id }: SqlTable): SqlRow => ({
  object_id: id,
  name: name.slice(name.indexOf('.') + 1),
  // In a real server this is a number. Here only SCHEMA_NAME has to understand it.
  schema_id: name.slice(0, name.indexOf('.')),
  type: 'U',
  create_date: createdAt,
});

const views: Readonly<Record<string, (table: SqlTable, engine: Engine) => SqlRow[]>> = {
  'sys.columns': ({ columns, id }, engine) =>
    columns.map(({ name, type, collation }, index) => ({
      object_id: id,
      name,
      column_id: index + 1,
      collation_name: type.includes('char') ? (collation ?? engine.collation) : null,
    })),
  'sys.pdw_table_distribution_properties': ({ id, layout }) => [
    { object_id: id, distribution_policy_desc: (layout?.distribution ?? '').split(' ')[0] ?? '' },
  ],
  'sys.pdw_column_distribution_properties': (table) =>
    numbered(table, table.layout?.distribution ?? '', 'distribution_ordinal'),
  'sys.indexes': ({ id, indexes, layout, primaryKey }) => [
    primaryKey
      ? { object_id: id, name: 'PK', type: 1, is_primary_key: 1 }
      : { object_id: id, name: null, type: indexType(layout), is_primary_key: 0 },
    ...indexes.map(({ name, type }) => ({ object_id: id, name, type, is_primary_key: 0 })),
  ],
  'sys.index_columns': (table) => (indexType(table.layout) === 0 ? [] : indexColumns(table)),
  'sys.stats': ({ id, statistics, indexes }) => [
    ...statistics.map((name) => ({ object_id: id, name, user_created: 1 })),
    ...indexes.map(({ name }) => ({ object_id: id, name, user_created: 0 })),
  ],
  'sys.masked_columns': ({ id, columns, masks }) =>
    columns.map(({ name }) => ({ object_id: id, name, is_masked: masks.includes(name) ? 1 : 0 })),
  'sys.security_predicates': ({ id, policies }, engine) =>
    (seesOthers(engine) ? policies : []).map((policy) => ({ object_id: policy, target_object_id: id })),
  'sys.partitions': ({ id, partitions }) =>
    Array.from({ length: partitions }, (_, index) => ({ object_id: id, partition_number: index + 1 })),
  'sys.database_permissions': ({ id, grants, columns }, engine) =>
    (seesOthers(engine) ? grants : []).map(({ state, permission, grantee, column }) => ({
      class: 1,
      major_id: id,
      minor_id: columns.findIndex(({ name }) => name === column) + 1,
      state_desc: state,
      permission_name: permission,
      grantee_principal_id: grantee ?? null,
    })),
  'sys.foreign_keys': ({ id, foreignKeys }, engine) =>
    (seesOthers(engine) ? foreignKeys : []).map(({ name, of }) => ({
      name,
      parent_object_id: of,
      referenced_object_id: id,
    })),
  'sys.sql_expression_dependencies': ({ id, boundViews }, engine) =>
    (seesOthers(engine) ? boundViews : []).map((view) => ({
      referenced_id: id,
      referencing_id: view,
      is_schema_bound_reference: 1,
    })),
};

function indexType(layout: Layout | undefined): number {
  if (layout?.index.startsWith('CLUSTERED COLUMNSTORE INDEX')) return 5;
  return layout?.index.startsWith('CLUSTERED') ? 1 : 0;
}

/** For each column, its place in the key of a clustered index, or in the order of a columnstore. */
function indexColumns(table: SqlTable): SqlRow[] {
  const places = ['key_ordinal', 'column_store_order_ordinal'];
  if (indexType(table.layout) === 5) places.reverse();
  const [place = '', other = ''] = places;
  return numbered(table, table.layout?.index ?? '', place).map((row) => ({
    ...row,
    [other]: 0,
    index_id: 1,
  }));
}

/** For each column, its place among those that an option names in brackets; 0 for all others. */
function numbered({ columns, id }: SqlTable, option: string, place: string): SqlRow[] {
  const named = [...option.matchAll(/\[(\w+)\]( DESC)?/g)];
  return columns.map(({ name }, index) => {
    const at = named.findIndex(([, one]) => one === name);
    const descending = named[at]?.[2] !== undefined;
    return { object_id: id, column_id: index + 1, [place]: at + 1, is_descending_key: descending ? 1 : 0 };
  });
}
