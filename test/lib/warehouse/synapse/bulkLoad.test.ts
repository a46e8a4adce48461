import fc from 'fast-check';
import sql from 'mssql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { beginning } from '../../../../src/lib/delta/position';
import { MemoryStore } from '../../../../src/lib/storage/memoryStore';
import type { WarehouseTable, WarehouseType } from '../../../../src/lib/streams/stream';
import { fittingOf, isMisfit } from '../../../../src/lib/warehouse/fitValue';
import { toBulkTable } from '../../../../src/lib/warehouse/synapse/bulkLoad';
import type { Cell, Load, PreparedRows, Warehouse } from '../../../../src/lib/warehouse/warehouse';
import { TdsServer } from '../../../kit/tds/tdsServer';
import { turnsDuring } from '../../../kit/turnsDuring';
import { openForTest, type SynapseOptions } from './openForTest';

const types: readonly WarehouseType[] = [
  'varchar(255)',
  'nvarchar(100)',
  'bigint',
  'int',
  'smallint',
  'float',
  'bit',
  'datetime',
  'datetime2(6)',
  'date',
];
const table: WarehouseTable = {
  schema: 's',
  name: 'every_type',
  columns: types.map((type, index) => ({ name: `c${index}`, from: `c${index}`, type })),
};
const name = `s.${table.name}`;

let server: TdsServer;
let warnings: string[];
const open = (options?: SynapseOptions) =>
  openForTest(server, { warn: (line) => warnings.push(line), ...options });

beforeEach(async () => {
  server = await TdsServer.start({ dialect: 'server' });
  warnings = [];
  await open().init([table]);
});
afterEach(() => server.close());

let version = 0;
const loadOf = (rows: readonly (readonly Cell[])[], rejected: PreparedRows['rejected'] = []): Load => ({
  table,
  from: { tableId: version === 0 ? '' : 'id', version: version - 1, mark: undefined },
  to: { tableId: 'id', version, mark: undefined },
  rows: {
    columns: types.map((_, column) => rows.map((row) => row[column] ?? null)),
    count: rows.length,
    rejected,
  },
});
beforeEach(() => {
  version = 0;
});

/** Loads rows, and returns what the server then has of them. */
async function stored(warehouse: Warehouse, rows: readonly (readonly Cell[])[]) {
  const load = loadOf(rows);
  const from = version === 0 ? beginning : load.from;
  expect(await warehouse.load({ ...load, from })).toBe('loaded');
  version++;
  // Rows that go in as text come after the others.
  const inText = (row: object) => JSON.stringify(Object.values(row).map(String));
  return server
    .rows(name)
    .splice(0)
    .sort((a, b) => (inText(a) < inText(b) ? -1 : 1));
}

const millis = (iso: string) => BigInt(Date.parse(iso)) * 1000n;
const edges: Readonly<Record<string, readonly Cell[]>> = {
  'varchar(255)': [
    '',
    ' ',
    'a ',
    "O'Brien",
    '€„Ž',
    'x'.repeat(255),
    'a\r\nb\tc',
    "'; DROP TABLE x --",
    '\\\n',
  ],
  'nvarchar(100)': ['', 'é★', String.fromCodePoint(0x1f600), 'x'.repeat(100), 'a\0b', "''"],
  bigint: [0, -1, 2n ** 63n - 1n, -(2n ** 63n), 2 ** 53 - 1, 2n ** 53n + 1n],
  int: [0, -(2 ** 31), 2 ** 31 - 1, 7n],
  smallint: [0, -32_768, 32_767],
  float: [
    0,
    -0,
    0.1 + 0.2,
    1e308,
    -1.7976931348623157e308,
    2.2250738585072014e-308,
    1 / 3,
    123456789012345680,
  ],
  bit: [true, false],
  datetime: [
    millis('1753-01-01T00:00:00.000Z'),
    millis('9999-12-31T23:59:59.997Z') + 999n,
    ...Array.from({ length: 20 }, (_, index) =>
      millis(`2026-11-26T17:59:59.${String(index * 5 + 900).padStart(3, '0')}Z`),
    ),
    millis('1969-12-31T23:59:59.995Z') + 1n,
    0,
  ],
  'datetime2(6)': [
    millis('0001-01-01T00:00:00.000Z'),
    millis('9999-12-31T23:59:59.999Z') + 999n,
    millis('2026-11-26T00:00:00.000Z') + 1n,
    -1,
    -999_999,
    1_795_651_199_999_999,
  ],
  date: [-719_162n, 0, 2_932_896n, 20_000],
};

const ofType: Readonly<Record<string, fc.Arbitrary<Cell>>> = {
  'varchar(255)': fc.string({ maxLength: 40, unit: fc.constantFrom(..."aZ '\\\n\t€éŸ") }),
  'nvarchar(100)': fc.string({ maxLength: 40, unit: 'binary' }),
  bigint: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  int: fc.integer(),
  smallint: fc.integer({ min: -32_768, max: 32_767 }),
  float: fc.double({ noNaN: true, noDefaultInfinity: true }),
  bit: fc.boolean(),
  datetime: fc.bigInt({ min: millis('1753-01-01T00:00:00Z'), max: millis('9999-12-31T23:59:59.998Z') }),
  'datetime2(6)': fc.bigInt({ min: millis('0001-01-01T00:00:00Z'), max: millis('9999-12-31T23:59:59.999Z') }),
  date: fc.bigInt({ min: -719_162n, max: 2_932_896n }),
};
/** Only what fits the column comes so far. */
const cell = (type: string) =>
  fc.option(
    (ofType[type] ?? fc.constant(null))
      .map((value) => fittingOf(type as WarehouseType)(value))
      .filter((value): value is Cell => !isMisfit(value)),
  );

describe('rows in binary form', () => {
  it('become the same values as through text, at every edge of every type', async () => {
    const count = Math.max(...Object.values(edges).map(({ length }) => length));
    const rows = Array.from({ length: count + 1 }, (_, row) =>
      types.map((type) => edges[type]?.[row] ?? null),
    );
    const [text, bulk] = [open({ bulkThreshold: 1e9 }), open({ bulkThreshold: 1 })];
    const asText = await stored(text, rows);
    expect(server.bulkLoads).toBe(0);
    expect(await stored(bulk, rows)).toEqual(asText);
    expect([server.bulkLoads, server.errors, warnings]).toEqual([1, [], []]);
  });

  it('become the same values as through text, whatever they are', async () => {
    const [text, bulk] = [open({ bulkThreshold: 1e9 }), open({ bulkThreshold: 1 })];
    const rows = fc.array(fc.tuple(...types.map(cell)), { minLength: 1, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(rows, async (some) => {
        const asText = await stored(text, some);
        expect(await stored(bulk, some)).toEqual(asText);
      }),
      { numRuns: 60 },
    );
  });

  it('keep their letters in a database of another code page, in which the client sends text', async () => {
    await server.close();
    server = await TdsServer.start({ dialect: 'server', collation: 'Cyrillic_General_CI_AS' });
    await open().init([table]);
    const rows = ['Café', 'Zürich €', 'plain'].map((text) =>
      types.map((type) => (/char/.test(type) ? text : null)),
    );
    const kept = await stored(open({ bulkThreshold: 1 }), rows);
    expect(JSON.stringify(kept)).toContain('Café');
    expect(kept).toEqual(await stored(open({ bulkThreshold: 1e9 }), rows));
    expect(server.bulkLoads).toBe(1);
  });

  it.each([
    ['varchar(255)', 'Café', 1],
    ['varchar(255)', 'plain', 0],
    ['nvarchar(100)', 'Café', 0],
  ])(
    'are all rows but those with other letters than ASCII in a varchar: %s %s',
    async (type, text, others) => {
      const rows: Cell[][] = [
        types.map((each) => (each === type ? text : null)),
        types.map((each) => (each === 'int' ? 7 : null)),
      ];
      const before = server.batches.length;
      await stored(open({ bulkThreshold: 1 }), rows);
      const inText = server.batches
        .slice(before)
        .filter((each) => each.includes('INSERT INTO [s].[every_type]'));
      expect([server.bulkLoads, inText.length]).toEqual([1, others]);
    },
  );

  it('are none if each row has such letters', async () => {
    const rows = ['é', 'ö'].map((text) => types.map((type) => (type === 'varchar(255)' ? text : null)));
    await stored(open({ bulkThreshold: 1 }), rows);
    expect(server.batches.filter((text) => /^insert bulk/i.test(text))).toEqual([]);
  });

  it('are used where a staged file could be, which is for dedicated pools alone', async () => {
    const staging = { store: new MemoryStore(), urlOf: (path: string) => path };
    await stored(open({ staging, copyThreshold: 1, bulkThreshold: 1 }), [types.map(() => null)]);
    expect([server.bulkLoads, server.errors, warnings]).toEqual([1, [], []]);
  });

  const some = (count: number) => Array.from({ length: count }, (_, row) => ['a', 'b', row, row]);

  it('are used from 500 rows on, with rejected rows beside them, all or nothing', async () => {
    const warehouse = open();
    await stored(warehouse, some(499));
    expect(server.bulkLoads).toBe(0);
    const rejected = [
      { hubCreatedAt: 0, partition: 0, sequenceNumber: 1, element: 0, reason: 'r', row: '{}' },
    ];
    const load = loadOf(some(500), rejected);
    expect(await warehouse.load(load)).toBe('loaded');
    expect(await warehouse.load(load)).toBe('overtaken');
    expect(server.bulkLoads).toBe(1);
    expect([server.rows(name).length, server.rows('ops.rejected_rows').length]).toEqual([500, 1]);
    version++;
    const another = loadOf(some(500), [{ ...rejected[0], reason: 'r' } as never]);
    server.onBatch = (text) => {
      if (!text.includes('INTO ops.rejected_rows')) return;
      server.onBatch = undefined;
      server.plan({ fail: 8645, message: 'No memory.' });
    };
    await expect(warehouse.load(another)).rejects.toMatchObject({ code: 'warehouse.unavailable' });
    expect(server.rows(name)).toHaveLength(500);
    // A server that is busy has refused nothing.
    expect(warnings).toEqual([]);
  });

  it.each(['before-commit', 'after-commit'] as const)(
    'are in once if the connection breaks %s',
    async (drop) => {
      const warehouse = open();
      server.plan({ drop });
      const load = { ...loadOf(some(600)), from: beginning };
      await warehouse.load(load).catch(() => {});
      await warehouse.load(load);
      expect(server.rows(name)).toHaveLength(600);
    },
  );

  it('bring columns that the table lacks', async () => {
    const wider = {
      ...table,
      columns: [...table.columns, { name: 'more', from: 'more', type: 'int' as const }],
    };
    const warehouse = open();
    const load = { ...loadOf(some(600)), from: beginning };
    const columns = [...load.rows.columns, load.rows.columns[3] ?? []];
    expect(await warehouse.load({ ...load, table: wider, rows: { ...load.rows, columns } })).toBe('loaded');
    expect(server.rows(name).at(-1)).toMatchObject({ c3: 599, more: 599 });
    expect([server.bulkLoads, warnings]).toEqual([1, []]);
  });

  it.each([
    [4834, 1, 'all rows go'],
    [40517, 1, 'all rows go'],
    [4815, 2, 'the rows of this load went'],
    [7399, 2, 'the rows of this load went'],
  ])(
    'go in as text if they are refused, for good if they never can: error %i',
    async (error, tried, what) => {
      server.engine.bulkRefusal = error;
      const warehouse = open();
      await stored(warehouse, some(600));
      await stored(warehouse, some(600));
      expect(server.batches.filter((text) => /^insert bulk/i.test(text))).toHaveLength(tried);
      expect(warnings).toHaveLength(tried);
      expect(warnings[0]).toContain(`bulk load is refused, so ${what} in as text:`);
      server.engine.bulkRefusal = undefined;
      await stored(warehouse, some(600));
      expect(server.bulkLoads).toBe(tried === 1 ? 0 : 1);
    },
  );

  it('are not tried instead of few rows, which fail as text once', async () => {
    const load = { ...loadOf(some(2)), from: beginning };
    server.engine.tables.delete(name);
    const warehouse = open();
    await expect(warehouse.load(load)).rejects.toMatchObject({ code: 'warehouse.refused' });
    expect(server.batches.filter((text) => text.includes('INSERT INTO [s].[every_type]'))).toHaveLength(1);
  });

  it('are refused like text if a value is none of the column, and the next ones come in binary form again', async () => {
    const warehouse = open();
    const load = { ...loadOf(some(600)), from: beginning };
    const columns = load.rows.columns.map((column, index) =>
      types[index] === 'bigint' ? ['no_number', ...column.slice(1)] : column,
    );
    await expect(warehouse.load({ ...load, rows: { ...load.rows, columns } })).rejects.toMatchObject({
      code: 'warehouse.refused',
    });
    expect(server.rows(name)).toEqual([]);
    expect(await warehouse.load(load)).toBe('loaded');
    expect([server.bulkLoads, warnings]).toEqual([2, []]);
  });
});

it('other work goes on while many rows are put into their binary form', async () => {
  const ids = Array.from({ length: 20_000 }, (_, id) => id);
  const columns = types.map((type) => (type === 'int' ? ids : ids.map(() => null)));
  let bulk: sql.Table | undefined;
  const turns = await turnsDuring(async () => {
    bulk = await toBulkTable(sql, table, { columns, count: ids.length, rejected: [] });
  });
  const at = types.indexOf('int');
  expect(bulk?.rows.map((row) => row[at])).toEqual(ids);
  expect(turns).toBeGreaterThanOrEqual(2);
});
