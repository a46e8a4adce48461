import { describe, expect, it } from 'vitest';
import type { WarehouseTable } from '../../../../src/lib/streams/stream';
import { countConstants } from '../../../../src/lib/warehouse/synapse/literals';
import {
  insertStatements,
  moveLedger,
  packBatches,
  setPosition,
  touchIfReached,
} from '../../../../src/lib/warehouse/synapse/loadStatements';
import type { Cell, RejectedRow } from '../../../../src/lib/warehouse/warehouse';
import { turnsDuring } from '../../../kit/turnsDuring';

const table: WarehouseTable = {
  schema: 'shop',
  name: 'sales',
  columns: [
    { name: 'id', type: 'int', from: 'id' },
    { name: 'note', type: 'varchar(8000)', from: 'note' },
  ],
};
const position = { tableId: 'id', version: 1, mark: undefined };
const inserts = (notes: readonly Cell[], rejected: readonly RejectedRow[] = []) => [
  ...insertStatements({
    table,
    from: position,
    to: { ...position, version: 2 },
    rows: { columns: [notes.map((_, row) => row), notes], count: notes.length, rejected },
  }),
];
const rowsOf = (text: string) => text.match(/SELECT /g)?.length ?? 0;

describe('the INSERTs of a load', () => {
  it('have the types in their first row alone, and in every null', () => {
    expect(inserts(["it's", null])).toEqual([
      {
        text: "INSERT INTO [shop].[sales] ([id], [note]) SELECT CAST(0 AS int), CAST('it''s' AS varchar(8000)) UNION ALL SELECT 1, CAST(NULL AS varchar(8000));",
        strings: 1,
      },
    ]);
    expect(inserts([])).toEqual([]);
  });

  it.each([
    [1000, [1000]],
    [1001, [1000, 1]],
  ])('of %d rows have at most a thousand each', (count, sizes) => {
    const statements = inserts(new Array<Cell>(count).fill(null));
    expect(statements.map(({ text }) => rowsOf(text))).toEqual(sizes);
    // The first row of every one has the types.
    for (const { text } of statements)
      expect(text).toMatch(/^INSERT INTO \S+ \(.*?\) SELECT CAST\(\d+ AS int\)/);
  });

  it.each([
    [39, [487, 487, 26]],
    [38, [500, 500]],
  ])('have at most 19,000 texts each, and count them: %i a row', (pieces, sizes) => {
    // Every line break parts a text.
    const note = Array.from({ length: pieces }, () => 'x').join('\n');
    const statements = inserts(new Array<Cell>(1000).fill(note));
    expect(statements.map(({ text }) => rowsOf(text))).toEqual(sizes);
    for (const { text, strings } of statements) expect(strings).toBe(countConstants(text));
  });

  it('have at most 16 million characters each', () => {
    const note = 'x'.repeat(1_000_000);
    const statements = inserts(new Array<Cell>(31).fill(note));
    expect(statements.map(({ text }) => rowsOf(text))).toEqual([15, 15, 1]);
  });

  it.each([
    [0, [2]],
    [1, [1, 1]],
  ])('are as long as 16 million characters and no longer: %i more', (more, sizes) => {
    const values = (insert: { text: string } | undefined) =>
      insert?.text.split('SELECT ')[1]?.slice(0, -1) ?? '';
    // So long that the second text is short enough to be written in one piece.
    const first = 'x'.repeat(15_959_000);
    const second = 16_000_000 - values(inserts([first])[0]).length - "1, ''".length;
    const statements = inserts([first, 'x'.repeat(second + more)]);
    expect(statements.map(({ text }) => rowsOf(text))).toEqual(sizes);
  });

  it('keep rejected rows with their address and at most 400 characters of the reason', () => {
    const rejected = { hubCreatedAt: 0, partition: 3, sequenceNumber: 9n, element: 2, row: '{"a":"é"}' };
    const [insert] = inserts([], [{ ...rejected, reason: 'r'.repeat(500) }]);
    expect(insert?.text).toContain(
      `SELECT CAST('shop.sales' AS varchar(255)), CAST('1970-01-01T00:00:00.000000' AS datetime2(6)), CAST(3 AS int), CAST(9 AS bigint), CAST(2 AS int), CAST('${'r'.repeat(400)}' AS varchar(400)), CAST(N'{"a":"é"}' AS nvarchar(max));`,
    );
  });
});

describe('batches of statements', () => {
  const sizes = async (...statements: [strings: number, characters: number][]) => {
    const inserts = statements.map(([strings, characters]) => ({ text: 'x'.repeat(characters), strings }));
    return (await packBatches(inserts)).map((batch) => batch.split('\n').length);
  };

  it.each<[string, [number, number][], number[]]>([
    [
      'are one while there is room',
      [
        [1, 5],
        [2, 6],
      ],
      [2],
    ],
    [
      'have 19,000 texts at most',
      [
        [10_000, 1],
        [9000, 1],
        [1, 1],
        [18_999, 1],
        [1, 1],
      ],
      [2, 2, 1],
    ],
    [
      'have 16 million characters at most',
      [
        [1, 10_000_000],
        [1, 6_000_000],
        [1, 1],
      ],
      [2, 1],
    ],
    ['are none without statements', [], []],
  ])('%s', async (_what, statements, expected) => {
    expect(await sizes(...statements)).toEqual(expected);
  });

  it('hold the statements of several sources in their order', async () => {
    const ofOne = (text: string) => [{ text, strings: 0 }];
    expect(await packBatches(ofOne('a'), [], ofOne('b'), ofOne('c'))).toEqual(['a\nb\nc']);
  });

  it('let other work go on between two statements of a thousand rows', async () => {
    const turns = await turnsDuring(() =>
      packBatches(
        insertStatements({
          table,
          from: position,
          to: position,
          rows: {
            columns: [new Array(5000).fill(1), new Array(5000).fill('note')],
            count: 5000,
            rejected: [],
          },
        }),
      ),
    );
    expect(turns).toBeGreaterThanOrEqual(5);
  });
});

describe('the row of the ledger', () => {
  const marked = { ...position, mark: 'mark' };

  it('is set with a mark and its version, and without a mark clears the earlier one', () => {
    expect(setPosition(marked, true)).toBe(
      "delta_id = 'id', last_version = 1, last_mark = 'mark', mark_version = 1",
    );
    expect(setPosition(position, true)).toBe(
      "delta_id = 'id', last_version = 1, last_mark = NULL, mark_version = NULL",
    );
    expect(setPosition(marked, false)).toBe("delta_id = 'id', last_version = 1");
  });

  it('is compared with the mark only if there is one and the ledger keeps marks', () => {
    const move = { name: 'shop.sales', to: { ...position, version: 2 }, token: 'token' };
    const compares = (from: typeof marked | typeof position, keepsMarks?: boolean) =>
      moveLedger({ ...move, from, ...(keepsMarks === undefined ? {} : { keepsMarks }) }).includes(
        'last_mark =',
      );
    const condition = moveLedger({ ...move, from: marked }).split(' WHERE ')[1];
    expect(condition).toBe(
      "table_name = 'shop.sales' AND delta_id = 'id' AND last_version = 1 AND (last_mark IS NULL OR mark_version IS NULL OR mark_version <> last_version OR last_mark = 'mark');",
    );
    expect(moveLedger({ ...move, from: position, keepsMarks: true })).toMatch(/last_version = 1;$/);
    expect([compares(marked, false), compares(position, false)]).toEqual([false, false]);
  });

  it('is touched from a version on', () => {
    expect(touchIfReached('shop.sales', position)).toMatch(
      /WHERE table_name = 'shop.sales' AND delta_id = 'id' AND last_version >= 1;$/,
    );
  });
});
