import { expect, it } from 'vitest';
import { inert, inertInLine } from '../../src/lib/inert';

it.each([
  ['\u001b[2J\u001b]0;owned\u0007', '\\u001b[2J\\u001b]0;owned\\u0007'],
  ['\u009b31m \u0000 \u007f', '\\u009b31m \\u0000 \\u007f'],
  ['Fine.\rBad. \b', 'Fine.\\u000dBad. \\u0008'],
  ['\u202egnp.exe\u2066\u200f\u061c', '\\u202egnp.exe\\u2066\\u200f\\u061c'],
  ['a\u2028b', 'a\\u2028b'],
])('text that a terminal would obey is shown as escapes: %j', (text, shown) => {
  expect(inert(text)).toBe(shown);
  expect(inertInLine(text)).toBe(shown);
});

it.each(['', 'plain', 'größer ≠ 日本語 👩‍💻', 'שלום', 'back\\slash', 'a "quoted" \\u001b'])(
  'other text stays as it is: %j',
  (text) => {
    expect(inert(text)).toBe(text);
    expect(inertInLine(text)).toBe(text);
  },
);

it('lines and tabs stay in a text, but not in a part of a line', () => {
  expect(inert('one\n\ttwo')).toBe('one\n\ttwo');
  expect(inertInLine('one\n\ttwo')).toBe('one\\n\\ttwo');
});

it('JSON stays the same JSON', () => {
  const value = { text: '\u001b[1m\u007f\u009b\u202e\n\t"\\', '\u2069': 1 };
  expect(JSON.parse(inert(JSON.stringify(value, null, 2)))).toEqual(value);
});
