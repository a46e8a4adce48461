import { expect, it } from 'vitest';
import { formatCsv } from '../../../src/lib/api/csv';

it.each([
  '=1+1',
  '+1',
  '-1',
  '@sum(1)',
  '＝1+1',
  '＋1',
  '－1',
  '＠sum(1)',
  ' =1+1',
  '\u3000＝1+1',
  '\t=1',
  '\r=1',
  '\n=1',
])('marks %j as text, so that no spreadsheet runs it', (cell) => {
  expect(formatCsv(['name'], [[cell]]).slice('name\r\n'.length)).toMatch(/^"?'/);
});

it.each(['Lamp', 'a=b', ' Lamp', '19" monitor', 'x-1', ''])('leaves %j as it is', (cell) => {
  expect(formatCsv(['name'], [[cell]])).not.toContain("'");
});

it('leaves numbers below zero as they are', () => {
  expect(formatCsv(['change'], [[-3], [null]])).toBe('change\r\n-3\r\n\r\n');
});
