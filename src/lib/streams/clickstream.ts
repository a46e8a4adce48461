import { decodeJsonElements } from './jsonElements';
import {
  columnsOf,
  integerField,
  isoTimestampField,
  type JsonField,
  longField,
  readFields,
} from './jsonFields';
import type { Stream } from './stream';

/**
 * A click without a product counts for nothing and is refused. One without a session (a visitor who declined cookies), a
 * category or a time of its own is still a click: enqueued_at tells when it came. A field that is there must be right.
 */
const fields: readonly JsonField[] = [
  { name: 'productid', from: 'productid', type: 'integer', nullable: false, read: integerField },
  { name: 'timestamp', from: 'timestamp', type: 'timestamp', nullable: true, read: isoTimestampField },
  { name: 'sessionid', from: 'sessionid', type: 'long', nullable: true, read: longField },
  { name: 'category', from: 'category', type: 'integer', nullable: true, read: integerField },
];

const readClick = readFields(fields);

/** Clicks in the shops, as the published generator sends them: `{productid, timestamp, sessionid, category}`. */
export const clickstream: Stream = {
  name: 'clickstream',
  hubSetting: 'CLICKSTREAM_HUB',
  table: 'clicks',
  columns: columnsOf(fields),
  decode: (body) => decodeJsonElements(body, readClick),
};
