import { flatObjectReader } from '../../src/lib/streams/flatObject';
import { decodeJsonElements } from '../../src/lib/streams/jsonElements';
import {
  columnsOf,
  doubleTextField,
  integerField,
  isoTimestampField,
  type JsonField,
  readFields,
  stringField,
} from '../../src/lib/streams/jsonFields';
import type { Stream } from '../../src/lib/streams/stream';

/*
 * A stream with texts and decimal numbers, like the one of docs/add-a-stream.md. It is only in the lake. The app has no stream whose events
 * are single objects.
 */

/** One field of each kind that is read in the fast way. */
export const orderFields: readonly JsonField[] = [
  { name: 'orderid', from: 'orderid', type: 'string', nullable: false, read: stringField },
  { name: 'productid', from: 'productid', type: 'integer', nullable: true, read: integerField },
  { name: 'store', from: 'store', type: 'string', nullable: true, read: stringField },
  { name: 'amount', from: 'amount', type: 'double', nullable: true, read: doubleTextField },
  { name: 'at', from: 'at', type: 'timestamp', nullable: true, read: isoTimestampField },
];

export function orderStream(fields = orderFields): Stream {
  const readOrder = readFields(fields);
  return {
    name: 'orders',
    hubSetting: 'ORDERS_HUB',
    table: 'orders',
    columns: columnsOf(fields),
    decode: (body) => decodeJsonElements(body, readOrder),
    readFlat: flatObjectReader(fields),
  };
}
