import { coincapSettings } from '../sources/coincap/settings';
import { decodeJsonElements } from './jsonElements';
import {
  columnsOf,
  doubleTextField,
  epochMillisField,
  type JsonField,
  longTextField,
  readFields,
  stringField,
  warehouseColumnsOf,
} from './jsonFields';
import type { Stream, WarehouseType } from './stream';
import { newestAssets } from './warehouseView';

const text = (name: string, from = name): JsonField => ({
  name,
  from,
  type: 'string',
  nullable: true,
  read: stringField,
});
const double = (name: string): JsonField => ({
  name,
  from: name,
  type: 'double',
  nullable: true,
  read: doubleTextField,
});

/**
 * The fields of an asset. A price needs its asset and its time, so these two are required. Any other field may be null in the API's
 * answers.
 */
const fields: readonly JsonField[] = [
  { ...text('id'), nullable: false },
  { name: 'asset_rank', from: 'rank', type: 'long', nullable: true, read: longTextField },
  text('symbol'),
  text('asset_name', 'name'),
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
    from: 'timestamp',
    type: 'timestamp',
    nullable: false,
    read: epochMillisField,
  },
];

/** The column types of the published history table. Its columns have the same names and the same order as ours. */
const historyTypes: Readonly<Record<string, WarehouseType>> = {
  string: 'varchar(255)',
  long: 'bigint',
  double: 'float',
  timestamp: 'datetime',
};

/** Reads an asset. `tokens` is left out, because it is large, is the same in every answer, and says nothing about the price. */
const readAsset = readFields(fields, { leaveOut: ['tokens'] });

/** Assets of the CoinCap API (v2 or v3) with the answer's `timestamp` copied into each; numbers arrive as text. */
export const coincap: Stream = {
  name: 'coincap',
  hubSetting: 'COINCAP_HUB',
  settings: coincapSettings,
  table: 'assets',
  columns: columnsOf(fields),
  latest: {
    key: 'id',
    asOf: 'runtime_timestamp',
    columns: [
      'asset_rank',
      'symbol',
      'asset_name',
      'priceUsd',
      'changePercent24Hr',
      'marketCapUsd',
      'volumeUsd24Hr',
    ],
    history: ['asset_rank', 'priceUsd', 'changePercent24Hr'],
  },
  warehouse: {
    schema: 'assets',
    name: 'asset_statistics_history_v3',
    identity: 'id_asset_statistics_history',
    columns: warehouseColumnsOf(fields, historyTypes),
    views: [newestAssets],
  },
  decode: (body) => decodeJsonElements(body, readAsset),
};
