import { decodeJsonElements } from '../../src/lib/streams/jsonElements';
import {
  columnsOf,
  doubleTextField,
  epochMillisField,
  type JsonField,
  longTextField,
  readFields,
  stringField,
} from '../../src/lib/streams/jsonFields';
import type { ColumnType, Stream, WarehouseTable, WarehouseType } from '../../src/lib/streams/stream';
import { newestAssets } from '../../src/lib/streams/warehouseView';

/*
 * A second stream for tests and measurements. It has texts that may be too long, numbers as text, an identity column and no row
 * address in the warehouse. It is not a stream of the app, so that tests do not depend on which streams the app has.
 */

const text = (name: string, nullable = true): JsonField => ({
  name,
  from: name,
  type: 'string',
  nullable,
  read: stringField,
});
const double = (name: string): JsonField => ({
  name,
  from: name,
  type: 'double',
  nullable: true,
  read: doubleTextField,
});

const fields: readonly JsonField[] = [
  text('id', false),
  { name: 'asset_rank', from: 'asset_rank', type: 'long', nullable: true, read: longTextField },
  text('symbol'),
  text('asset_name'),
  double('supply'),
  double('maxSupply'),
  double('marketCapUsd'),
  double('volumeUsd24Hr'),
  double('priceUsd'),
  double('changePercent24Hr'),
  double('vwap24Hr'),
  text('explorer'),
  {
    name: 'runtime_timestamp',
    from: 'runtime_timestamp',
    type: 'timestamp',
    nullable: false,
    read: epochMillisField,
  },
];

const warehouseTypes: Partial<Record<ColumnType, WarehouseType>> = {
  string: 'varchar(255)',
  long: 'bigint',
  double: 'float',
  timestamp: 'datetime',
};

const readAsset = readFields(fields);

export const assetTable: WarehouseTable = {
  schema: 'assets',
  name: 'asset_statistics_history_v3',
  identity: 'id_asset_statistics_history',
  columns: fields.map(({ name, type }) => ({
    name,
    from: name,
    type: warehouseTypes[type] ?? 'varchar(255)',
  })),
  views: [newestAssets],
};

export const assetStream: Stream = {
  name: 'prices',
  hubSetting: 'PRICES_HUB',
  table: 'assets',
  columns: columnsOf(fields),
  warehouse: assetTable,
  decode: (body) => decodeJsonElements(body, readAsset),
};
