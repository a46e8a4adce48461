import { integerBetween, seededRandom } from '../src/lib/sources/seededRandom';
import { orderStream } from '../test/kit/orderStream';

export const orders = orderStream();

const stores = ['Köln', 'Berlin', 'São Paulo', 'London', 'New York', '東京', 'Paris', 'Łódź'];

/** Makes bodies of orders. The same number gives the same orders. */
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
