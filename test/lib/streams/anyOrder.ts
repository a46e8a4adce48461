import fc from 'fast-check';
import * as kit from '../../kit/orderStream';

/** Those of orders, of which the name of one is not ASCII. */
export const orderFields = kit.orderFields.map((field) =>
  field.name === 'store' ? { ...field, from: 'straße' } : field,
);

export const orderStream = kit.orderStream(orderFields);

const plain = fc.oneof(fc.string({ unit: 'binary', maxLength: 12 }), fc.constantFrom('', 'A-17', 'Köln'));
const text = fc.oneof(
  // Not as JSON.stringify has it, which escapes what must be escaped.
  { weight: 4, arbitrary: plain.map((value) => `"${value.replace(/["\\\p{Cc}]/gu, '')}"`) },
  { weight: 1, arbitrary: plain.map((value) => `"${value}"`) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }).map((value) => JSON.stringify(value)) },
  { weight: 1, arbitrary: fc.constantFrom('"\\ud800"', '"\\u0041"', '"\\\\"', '"a\\"') },
);
const decimal = fc
  .tuple(fc.constantFrom('', '-'), fc.nat(999_999), fc.stringMatching(/^(\.\d{1,16})?$/))
  .map((parts) => parts.join(''));
const number = fc.oneof(
  decimal,
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.maxSafeInteger().map(String),
  fc.constantFrom('1e3', '-0', '-0.0', '1.', '.5', '01', '1e400', '1.5E-3'),
);
const time = fc.constantFrom(
  '"2026-01-02T03:04:05.1234567Z"',
  '"1850-01-01T00:00:00Z"',
  '"9999-12-31T23:59:59Z"',
);
const usualValue: Record<string, fc.Arbitrary<string>> = {
  orderid: text,
  productid: fc.nat(1e6).map(String),
  straße: text,
  amount: number,
  at: time,
};
const any = fc.oneof(text, number, time, fc.constant('null'), fc.json());
const member = fc
  .constantFrom(...Object.keys(usualValue))
  .chain((name) =>
    fc.tuple(
      fc.oneof(
        { weight: 20, arbitrary: fc.constant(name) },
        { weight: 1, arbitrary: fc.constantFrom('other', 'strasse', '__proto__', 'a"') },
      ),
      fc.oneof(
        { weight: 10, arbitrary: usualValue[name] ?? any },
        { weight: 1, arbitrary: fc.constant('null') },
        { weight: 1, arbitrary: any },
      ),
      fc.oneof({ weight: 8, arbitrary: fc.constantFrom('', ' ') }, fc.constantFrom('\n', '\t', '  ')),
    ),
  );
const members = fc.oneof(
  { weight: 5, arbitrary: fc.uniqueArray(member, { selector: ([name]) => name, maxLength: 5 }) },
  { weight: 1, arbitrary: fc.array(member, { maxLength: 5 }) },
);
const object = fc
  .tuple(members, fc.boolean())
  .map(
    ([all, hasId]) =>
      `{${(hasId && !all.some(([name]) => name === 'orderid') ? [['orderid', '"A-1"', ''], ...all] : all)
        .map(([name, value, gap]) => `${gap}${JSON.stringify(name)}:${gap}${value}`)
        .join(',')}}`,
  );
const changes = fc.oneof(
  { weight: 4, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 2 }) },
);

/** Bodies of orders: usual ones, some with fields or values that are not, and some with other bytes. */
export const anyOrder: fc.Arbitrary<Buffer> = fc.tuple(object, changes).map(([json, mutations]) => {
  const body = Buffer.from(json);
  for (const [at, byte] of mutations) body[at % body.length] = byte;
  return body;
});
