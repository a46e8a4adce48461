import { describe, expect, it } from 'vitest';
import { partitionValue } from '../../../src/lib/delta/partitionValue';
import { type Field, field, type ReadValue } from '../../../src/lib/delta/schema';

type Primitive = Field['type'] & string;

const parse = (type: Primitive, text: string | null) =>
  partitionValue(field('p', type), text, 'lake/events version 3, file x');

const micros = Date.UTC(2024, 0, 31, 12, 30) * 1000;

describe('a partition value', () => {
  it.each<[Primitive, string | null, ReadValue]>([
    ['string', 'a b', 'a b'],
    ['string', '', null],
    ['long', null, null],
    ['integer', '-7', -7],
    ['long', '9223372036854775807', 9223372036854775807n],
    ['double', '1.5e3', 1500],
    ['double', 'NaN', Number.NaN],
    ['float', '-Infinity', Number.NEGATIVE_INFINITY],
    ['double', 'nan', Number.NaN],
    ['double', 'inf', Number.POSITIVE_INFINITY],
    ['double', '+INFINITY', Number.POSITIVE_INFINITY],
    ['double', '-Inf', Number.NEGATIVE_INFINITY],
    ['byte', '+7', 7],
    ['short', '-0', -0],
    ['long', '-9007199254740992', -9007199254740992n],
    ['boolean', 'TRUE', true],
    ['boolean', 'false', false],
    ['date', '1969-12-31', -1],
    ['timestamp', '2024-01-31 12:30:00', micros],
    ['timestamp', '2024-01-31 12:30:00.5', micros + 500_000],
    ['timestamp', '2024-01-31T12:30:00.000001Z', micros + 1],
    ['timestamp', '2024-01-31T14:00:00+01:30', micros],
    ['timestamp_ntz', '2024-01-31 12:30:00.123456', micros + 123_456],
    ['binary', 'ÿ', Buffer.from([0xff])],
    ['decimal(9,2)', '-12.30', '-12.30'],
    ['decimal(38,18)', '1.5e-7', '0.00000015'],
    ['decimal(38,18)', '-5E-1', '-0.5'],
    ['decimal(38,18)', '1.25e+1', '12.5'],
    ['decimal(38,0)', '1.5e20', '150000000000000000000'],
  ])('of type %s is read from the text %j', (type, text, value) => {
    expect(parse(type, text)).toEqual(value);
  });

  it.each<[Primitive, string]>([
    ['integer', '1.5'],
    ['long', '0x10'],
    ['long', '12345678901234567890'],
    ['byte', 'x1'],
    ['short', '1x'],
    ['integer', '+-1'],
    ['double', 'NaNs'],
    ['double', 'aNaN'],
    ['double', 'infinite'],
    ['double', 'a inf'],
    ['boolean', 'untrue'],
    ['boolean', 'falsey'],
    ['date', '2024-01-01x'],
    ['date', 'x2024-01-01'],
    ['decimal(9,2)', 'x1.5'],
    ['decimal(9,2)', '1e'],
    ['decimal(9,2)', '1e300'],
    ['decimal(9,2)', '1.5x'],
    ['decimal(9,2)', '1.'],
    ['double', 'much'],
    ['boolean', 'yes'],
    ['date', '2024-13-01'],
    ['date', '31.01.2024'],
    ['timestamp', 'on 2024-01-31 12:30:00'],
    ['timestamp', '2024-01-31 12:30:00 or so'],
    ['timestamp', '2024-01-31'],
    ['timestamp', '2024-01-31 12:30:00.1234567'],
    ['timestamp', '2024-01-31 12:30:00+1:30'],
    ['timestamp', '2024-01-31 25:30:00'],
    ['decimal(9,2)', '12,30'],
  ])('of type %s is never made of the text %j', (type, text) => {
    expect(() => parse(type, text)).toThrow(
      expect.objectContaining({
        code: 'delta.invalid',
        message: `lake/events version 3, file x: the partition value "${text}" of column p is no ${type}.`,
      }),
    );
  });

  it.each(['1.5', 'decimal'])('of a type that is not known is never made of the text %j', (text) => {
    for (const type of [{ type: 'unknown', name: 'interval' }, 'void'] as const)
      expect(() => partitionValue(field('p', type), text, 'lake/events version 3, file x')).toThrow(
        expect.objectContaining({ code: 'delta.invalid' }),
      );
  });
});
