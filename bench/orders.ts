import { integerBetween, seededRandom } from '../src/lib/sources/seededRandom';
import { flatObjectReader } from '../src/lib/streams/flatObject';
import { decodeJsonElements } from '../src/lib/streams/jsonElements';
import {
  columnsOf,
  doubleTextField,
  integerField,
  isoTimestampField,
  type JsonField,
  readFields,
  stringField,
} from '../src/lib/streams/jsonFields';
import type { Stream } from '../src/lib/streams/stream';

/*
 * A stream with texts and decimal numbers, like the one of docs/add-a-stream.md. The app has none whose events are single objects.
 */

const fields: readonly JsonField[] = [
  { name: 'orderid', from: 'orderid', type: 'string', nullable: false, read: stringField },
  { name: 'productid', from: 'productid', type: 'integer', nullable: false, read: integerField },
  { name: 'store', from: 'store', type: 'string', nullable: true, read: stringField },
  { name: 'amount', from: 'amount', type: 'double', nullable: true, read: doubleTextField },
  { name: 'at', from: 'at', type: 'timestamp', nullable: true, read: isoTimestampField },
];

const readOrder = readFields(fields);

export const orders: Stream = {
  name: 'orders',
  hubSetting: 'ORDERS_HUB',
  table: 'orders',
  columns: columnsOf(fields),
  decode: (body) => decodeJsonElements(body, readOrder),
  readFlat: flatObjectReader(fields),
};

const stores = ['Köln', 'Berlin', 'São Paulo', 'London', 'New York', '東京', 'Paris', 'Łódź'];

/** Bodies of orders. The same number gives the same orders. */
export function orderBodies(count: number, start: number): Buffer[] {
  const random = seededRandom(42);
  return Array.from({ length: count }, (_, index) => {
    const order = {
      orderid: `A-${(integerBetween(random, 0, 2 ** 32) + 2 ** 32).toString(36)}`,
      productid: integerBetween(random, 1, 671),
      store: stores[integerBetween(random, 0, stores.length)],
      amount: integerBetween(random, 100, 50_000) / 100,
      at: new Date(start + index).toISOString(),
    };
    return Buffer.from(JSON.stringify(order));
  });
}
