import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  escapeLike,
  formatTime,
  literal,
  quoteName,
  quoteText,
} from '../../../../src/lib/warehouse/synapse/literals';
import { Engine } from '../../../kit/tds/engine';
import { parseBatch } from '../../../kit/tds/parse';
import { Session } from '../../../kit/tds/session';

/** The value that a server computes for an expression. */
async function evaluate(expression: string): Promise<unknown> {
  let found: unknown;
  await new Session(new Engine({ dialect: 'pool' })).run(
    `SELECT CAST(${expression} AS nvarchar(max)) AS x;`,
    (answer) => {
      if (answer.kind === 'rows') found = answer.rows[0]?.[0];
    },
  );
  return found;
}

describe('text', () => {
  it.each([
    ["it's", "'it''s'"],
    ["''", "''''''"],
    ['', "''"],
    ['a\nb', "('a' + CHAR(10) + 'b')"],
    ['C:\\\r\nD', "('C:\\' + CHAR(13) + CHAR(10) + 'D')"],
    ['\0', '(CHAR(0))'],
    ["'); DROP TABLE clicks; --", "'''); DROP TABLE clicks; --'"],
  ])('%j is written as %s', (text, expected) => {
    expect(quoteText(text)).toBe(expected);
  });

  it('is a Unicode constant on request', () => {
    expect(quoteText('ß\n', true)).toBe("(N'ß' + NCHAR(10))");
  });

  it('is read back unchanged, for any text', async () => {
    const characters = fc.constantFrom("'", '\\', '\n', '\r', '\0', '-', ';', '@', 'a', '😀', 'é', ']');
    const texts = fc.array(characters, { maxLength: 30 }).map((parts) => parts.join(''));
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        expect(await evaluate(quoteText(text, true))).toBe(text);
      }),
    );
  });

  it('is cut into pieces that constants can hold, and stays whole', async () => {
    const text = `${'x'.repeat(1999)}😀${"'".repeat(5000)}\\\n`;
    const written = quoteText(text, true);
    expect(written.startsWith("(CAST(N'' AS nvarchar(max)) + N'")).toBe(true);
    for (const [constant] of written.matchAll(/'((?:[^']|'')*)'/g))
      expect(constant.length).toBeLessThan(4100);
    expect(await evaluate(written)).toBe(text);
  });

  it.each([1998, 1999, 2000])('is never cut within a character: after %d others', async (others) => {
    const text = `${'x'.repeat(others)}😀${'y'.repeat(10)}`;
    const constants = [...quoteText(text, true).matchAll(/'([^']*)'/g)].map(([, constant = '']) => constant);
    expect(constants.join('')).toBe(text);
    expect(constants.every((constant) => constant.isWellFormed())).toBe(true);
    // Those that can be are as long as a piece may be.
    expect(constants[1]).toHaveLength(others === 1999 ? 1999 : 2000);
  });

  it('may end with half a character', async () => {
    const text = `${'x'.repeat(2001)}\ud83d`;
    expect(await evaluate(quoteText(text, true))).toBe(text);
  });

  it.each([2000, 2001])('of %d characters is one constant up to the length of a piece', (length) => {
    const constants = quoteText('x'.repeat(length)).match(/'x+'/g);
    expect(constants).toHaveLength(length > 2000 ? 2 : 1);
    expect(quoteText('x'.repeat(length)).startsWith('(')).toBe(length > 2000);
  });
});

describe('other values', () => {
  it.each([
    [0.1 + 0.2, 'float', '3.0000000000000004e-1'],
    [-1.5e300, 'float', '-1.5e+300'],
    [-0, 'float', '0e+0'],
    [9_007_199_254_740_993n, 'bigint', '9007199254740993'],
    [true, 'bit', '1'],
    [false, 'bit', '0'],
    [0, 'date', "'1970-01-01'"],
    [-1, 'datetime2(6)', "'1969-12-31T23:59:59.999999'"],
    [1_767_225_600_123_456, 'datetime', "'2026-01-01T00:00:00.123'"],
    [253_402_300_799_999_999n, 'datetime2(6)', "'9999-12-31T23:59:59.999999'"],
    [null, 'float', 'CAST(NULL AS float)'],
  ] as const)('%s as %s is %s', (value, type, expected) => {
    expect(literal(value, type, false)).toBe(expected);
  });

  it('have a cast on request', () => {
    expect(literal('x', 'varchar(255)', true)).toBe("CAST('x' AS varchar(255))");
    expect(literal('x', 'nvarchar(255)', true)).toBe("CAST(N'x' AS nvarchar(255))");
  });

  it('are never put into the code page of the database', () => {
    expect(literal('é', 'varchar(255)', false)).toBe("N'é'");
    expect(literal('é', 'varchar(4000)', true)).toBe("CAST(N'é' AS nvarchar(4000))");
    expect(literal('é', 'varchar(4001)', true)).toBe("CAST(N'é' AS nvarchar(max))");
    expect(quoteText('é\n')).toBe("(N'é' + NCHAR(10))");
  });

  it('keep microseconds of bigint times before 1970', () => {
    expect(formatTime(-1n, 6)).toBe('1969-12-31T23:59:59.999999');
  });

  it('are names in brackets', () => {
    expect(quoteName('a]b')).toBe('[a]]b]');
    expect(parseBatch(`SELECT ${quoteName('a]b')} FROM [x].[y];`, 1252)).toMatchObject([
      { select: { items: [{ name: 'a]b' }] } },
    ]);
  });
});

it('a text for LIKE has the signs of patterns as themselves, and nothing else is changed', () => {
  expect(['clicks', 'a_b', '50%', '[x]', '__%[', ''].map(escapeLike)).toEqual([
    'clicks',
    'a[_]b',
    '50[%]',
    '[[]x]',
    '[_][_][%][[]',
    '',
  ]);
});
