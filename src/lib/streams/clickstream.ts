import { clicksPerSecond, clickstreamSchedule } from '../sources/clicks/settings';
import { flatObjectReader } from './flatObject';
import { decodeJsonElements } from './jsonElements';
import {
  columnsOf,
  integerField,
  isoTimestampField,
  type JsonField,
  longField,
  readFields,
} from './jsonFields';
import type { Counted, Stream } from './stream';
import { clicksPerProduct, clicksPerSession } from './warehouseView';

/**
 * The fields of a click. A click without a product cannot be counted and is refused. A click without a session (of a visitor who declined
 * cookies), a category or a time is still a click, because enqueued_at says when it came. A field that is given must be valid.
 */
const fields: readonly JsonField[] = [
  { name: 'productid', from: 'productid', type: 'integer', nullable: false, read: integerField },
  { name: 'timestamp', from: 'timestamp', type: 'timestamp', nullable: true, read: isoTimestampField },
  { name: 'sessionid', from: 'sessionid', type: 'long', nullable: true, read: longField },
  { name: 'category', from: 'category', type: 'integer', nullable: true, read: integerField },
];

const readClick = readFields(fields);

/** Clicks are counted per product. */
export const countedClicks: Counted = { key: 'productid', attribute: 'category' };

/** Clicks in the shops, as the published generator sends them: `{productid, timestamp, sessionid, category}`. */
export const clickstream: Stream = {
  name: 'clickstream',
  hubSetting: 'CLICKSTREAM_HUB',
  settings: [clickstreamSchedule, clicksPerSecond],
  table: 'clicks',
  columns: columnsOf(fields),
  counted: countedClicks,
  warehouse: {
    schema: 'clickstream',
    name: 'clicks',
    columns: [
      { name: 'productid', from: 'productid', type: 'int' },
      { name: 'timestamp', from: 'timestamp', type: 'datetime2(6)' },
      { name: 'sessionid', from: 'sessionid', type: 'bigint' },
      { name: 'category', from: 'category', type: 'int' },
      { name: 'enqueued_at', from: 'enqueued_at', type: 'datetime2(6)' },
      { name: 'hub_created_at', from: 'hub_created_at', type: 'datetime2(6)' },
      { name: 'hub_partition', from: 'hub_partition', type: 'int' },
      { name: 'sequence_number', from: 'sequence_number', type: 'bigint' },
      { name: 'element', from: 'element', type: 'int' },
    ],
    views: [clicksPerProduct, clicksPerSession],
  },
  decode: (body) => decodeJsonElements(body, readClick),
  readFlat: flatObjectReader(fields),
};
