import { decodeJsonElements } from '../../src/lib/streams/jsonElements';
import {
  columnsOf,
  doubleTextField,
  epochMillisField,
  type JsonField,
  longTextField,
  readFields,
  stringField,
  warehouseColumnsOf,
} from '../../src/lib/streams/jsonFields';
import type { Stream, WarehouseTable } from '../../src/lib/streams/stream';
import { newestAssets } from '../../src/lib/streams/warehouseView';

/*
 * A second stream for tests and measurements. It has texts that may be too long, numbers as text, an identity column and no row
 * address in the warehouse. It is not a stream of the app, so that tests do not depend on which streams the app has.
 */

const fieldOf = (name: string) => ({ name, from: name, nullable: true }) as const;
const text = (name: string): JsonField => ({ ...fieldOf(name), type: 'string', read: stringField });
const double = (name: string): JsonField => ({ ...fieldOf(name), type: 'double', read: doubleTextField });
const amounts = [
  'supply',
  'maxSupply',
  'marketCapUsd',
  'volumeUsd24Hr',
  'priceUsd',
  'changePercent24Hr',
  'vwap24Hr',
];

const fields: readonly JsonField[] = [
  { ...text('id'), nullable: false },
  { ...fieldOf('asset_rank'), type: 'long', read: longTextField },
  ...['symbol', 'asset_name'].map(text),
  ...amounts.map(double),
  text('explorer'),
  { ...fieldOf('runtime_timestamp'), nullable: false, type: 'timestamp', read: epochMillisField },
];

const readAsset = readFields(fields);

export const assetTable: WarehouseTable = {
  schema: 'assets',
  name: 'asset_statistics_history_v3',
  identity: 'id_asset_statistics_history',
  columns: warehouseColumnsOf(fields, {
    string: 'varchar(255)',
    long: 'bigint',
    double: 'float',
    timestamp: 'datetime',
  }),
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
