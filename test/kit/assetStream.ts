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

const readers: Partial<Record<ColumnType, JsonField['read']>> = {
  string: stringField,
  long: longTextField,
  double: doubleTextField,
  timestamp: epochMillisField,
};

const field = (name: string, type: ColumnType, nullable = true): JsonField => ({
  name,
  from: name,
  type,
  nullable,
  read: readers[type] ?? stringField,
});

const fields: readonly JsonField[] = [
  field('id', 'string', false),
  field('asset_rank', 'long'),
  field('symbol', 'string'),
  field('asset_name', 'string'),
  field('supply', 'double'),
  field('maxSupply', 'double'),
  field('marketCapUsd', 'double'),
  field('volumeUsd24Hr', 'double'),
  field('priceUsd', 'double'),
  field('changePercent24Hr', 'double'),
  field('vwap24Hr', 'double'),
  field('explorer', 'string'),
  field('runtime_timestamp', 'timestamp', false),
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
