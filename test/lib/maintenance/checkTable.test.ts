import { beforeEach, describe, expect, it } from 'vitest';
import type { Add } from '../../../src/lib/delta/actions';
import { createTable, putCommit } from '../../../src/lib/delta/commit';
import type { TableLocation } from '../../../src/lib/delta/log';
import { type DataType, field, type Value } from '../../../src/lib/delta/schema';
import { writeDataFile } from '../../../src/lib/delta/writeDataFile';
import { checkTable } from '../../../src/lib/maintenance/checkTable';
import { compact } from '../../../src/lib/maintenance/compact';
import { appendFiles, fields, newLocation, snapshotOf } from './table';

let at: TableLocation;
beforeEach(() => {
  at = newLocation();
});

/** Commits one file with three rows, whose action was changed first. */
async function commitFile(
  change: (add: Add, stats: Record<string, Record<string, unknown>>) => Partial<Add>,
) {
  await createTable(at, fields);
  const add = await writeDataFile({
    at,
    fields,
    columns: [
      [5, 7, 9],
      ['b', null, 'd'],
    ],
  });
  const changed = { ...add, ...change(add, JSON.parse(add.stats ?? '')) };
  await putCommit(at, 1, [{ add: changed }], { operation: 'WRITE', isBlindAppend: true });
  const { findings = [] } = (await checkTable({ at })) ?? {};
  return findings.map((finding) => finding.replace(`memory/events version 1, file ${changed.path}`, 'FILE'));
}

describe('checking a table', () => {
  it('finds no damage in our own files, compacted or not', async () => {
    expect(await checkTable({ at })).toBeUndefined();
    await appendFiles(at, 5);
    expect(await checkTable({ at })).toEqual({ version: 5, files: 5, rows: 50, findings: [] });
    const seen: unknown[] = [];
    await checkTable({ at, progress: (progress) => seen.push(progress) });
    expect(seen).toEqual([0, 1, 2, 3, 4].map((done) => ({ step: 'check', done, total: 5 })));
    await compact({ at });
    expect(await checkTable({ at })).toEqual({ version: 6, files: 1, rows: 50, findings: [] });
  });

  it('finds nothing in values at the limits of every type', async () => {
    const wide = [
      field('long', 'long'),
      field('float', 'float'),
      field('double', 'double'),
      field('day', 'date'),
      field('instant', 'timestamp'),
      field('text', 'string'),
      field('bytes', 'binary'),
      field('yes', 'boolean'),
    ];
    const columns: Value[][] = [
      [-(2n ** 63n), 2n ** 63n - 1n, 9007199254740993n, null],
      [0.1, -0.1, 16777217, Number.NaN],
      [-0, 0.1, Number.MIN_VALUE, Number.MAX_VALUE],
      [-719_162, 0, 2_932_896, null],
      [-1, 1, 1_700_000_000_123_456, null],
      ['', '\u{10ffff}'.repeat(40), `${'é'.repeat(40)}`, '\u{1f600}'],
      [Buffer.from([0]), null, null, null],
      [true, false, null, null],
    ];
    await createTable(at, wide);
    for (const values of [columns, columns.map((column) => column.slice(0, 1))]) {
      const add = await writeDataFile({ at, fields: wide, columns: values });
      const { version } = await snapshotOf(at);
      await putCommit(at, version + 1, [{ add }], { operation: 'WRITE', isBlindAppend: true });
    }
    expect(await checkTable({ at })).toMatchObject({ files: 2, rows: 5, findings: [] });
  });

  it('finds bounds that are too narrow, wrong counts and wrong sizes', async () => {
    const withStats = (change: (stats: Record<string, Record<string, unknown>>) => object) =>
      commitFile((_add, stats) => ({ stats: JSON.stringify({ ...stats, ...change(stats) }) }));
    expect(await withStats(() => ({ minValues: { id: 6 } }))).toEqual([
      "FILE: column id, row 0: 5 is beyond the log's min 6.",
    ]);
    at = newLocation();
    expect(await withStats(() => ({ maxValues: { name: 'c' } }))).toEqual([
      'FILE: column name, row 2: "d" is beyond the log\'s max "c".',
    ]);
    at = newLocation();
    expect(await withStats(() => ({ nullCount: { id: 0, name: 2 }, numRecords: 4 }))).toEqual([
      'FILE: it has 3 rows; the log says 4.',
      'FILE: column name has 1 nulls; the log says 2.',
    ]);
    at = newLocation();
    expect(await commitFile(({ size }) => ({ size: size - 1 }))).toEqual([
      expect.stringMatching(/^FILE has \d+ bytes; the log says \d+\.$/),
    ]);
    at = newLocation();
    expect(await commitFile(() => ({ stats: '{}' }))).toEqual([]);
    at = newLocation();
    expect(await commitFile(() => ({ stats: 'none' }))).toEqual([
      'FILE: the statistics are not a JSON object.',
    ]);
    at = newLocation();
    expect(await commitFile(() => ({ path: 'gone.parquet' }))).toEqual(['FILE is gone.']);
  });

  /** The findings of a file with one column, when the log says these bounds of it. */
  async function findingsOf(type: DataType, values: Value[], bounds: { min?: unknown; max?: unknown }) {
    const one = [field('c', type)];
    at = newLocation();
    await createTable(at, one);
    const add = await writeDataFile({ at, fields: one, columns: [values] });
    const { min, max } = bounds;
    const stats = JSON.stringify({
      minValues: min === undefined ? {} : { c: min },
      maxValues: max === undefined ? {} : { c: max },
    });
    await putCommit(at, 1, [{ add: { ...add, stats } }], { operation: 'WRITE', isBlindAppend: true });
    return ((await checkTable({ at }))?.findings ?? []).map((finding) =>
      finding.replace(/^.*: column/, 'column'),
    );
  }

  it('allows for times that were cut to milliseconds, at the upper bound alone', async () => {
    const [start, end] = ['2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.001Z'];
    const micros = Date.parse(start) * 1000;
    const check = (values: Value[]) => findingsOf('timestamp', values, { min: start, max: end });
    expect(await check([micros, micros + 1999])).toEqual([]);
    expect(await check([micros + 2000])).toEqual([expect.stringContaining("is beyond the log's max")]);
    expect(await check([micros - 1])).toEqual([expect.stringContaining("is beyond the log's min")]);
  });

  it('allows for the same in times without a zone, which other writers have', async () => {
    const end = '2026-01-01T00:00:00.001';
    const micros = Date.parse(`${end}Z`) * 1000;
    // Our writer does not write the type, whose values are those of a timestamp.
    at = newLocation();
    await createTable(at, [field('c', 'timestamp_ntz')]);
    const stats = JSON.stringify({ maxValues: { c: end } });
    for (const value of [micros + 999, micros + 1000]) {
      const add = await writeDataFile({ at, fields: [field('c', 'timestamp')], columns: [[value]] });
      const { version } = await snapshotOf(at);
      await putCommit(at, version + 1, [{ add: { ...add, stats } }], {
        operation: 'WRITE',
        isBlindAppend: true,
      });
    }
    expect((await checkTable({ at }))?.findings).toEqual([
      expect.stringContaining("is beyond the log's max"),
    ]);
  });

  it.each<[DataType, Value, unknown]>([
    ['long', 8, 7],
    ['integer', 8, 7],
    ['date', 1, '1970-01-01'],
    ['long', 2n ** 53n + 1n, 2 ** 53],
    ['double', 0.2, 0.1],
    ['float', 0.2, 0.1],
    ['string', '\u{10000}', '\uffff'],
  ])('allows for nothing in the bounds of a %s: %s is above %s', async (type, value, max) => {
    expect(await findingsOf(type, [value], { max })).toEqual([
      expect.stringMatching(/^column c, row 0: .* is beyond the log's max/),
    ]);
    expect(await findingsOf(type, [value], { min: max })).toEqual([]);
  });

  it('allows for the bounds of floats being printed as doubles', async () => {
    expect(Math.fround(0.1)).toBeGreaterThan(0.1);
    expect(await findingsOf('float', [0.1], { min: 0.1, max: 0.1 })).toEqual([]);
    expect(await findingsOf('float', [0.2], { min: 0.2, max: 0.1 })).not.toEqual([]);
  });

  it('names the first row that is beyond a bound, and cuts a long value', async () => {
    expect(await findingsOf('string', ['b', null, 'z'.repeat(50), 'zz'], { min: 'a', max: 'c' })).toEqual([
      `column c, row 2: "${'z'.repeat(40)}" is beyond the log's max "c".`,
    ]);
  });

  it('finds nulls in a column that takes none', async () => {
    await createTable(at, [field('id', 'long', false)]);
    const lenient = [field('id', 'long')];
    const add = await writeDataFile({ at, fields: lenient, columns: [[1, null, null]] });
    await putCommit(at, 1, [{ add }], { operation: 'WRITE', isBlindAppend: true });
    expect((await checkTable({ at }))?.findings).toEqual([
      `memory/events version 1, file ${add.path}: column id has 2 nulls, but takes none.`,
    ]);
  });

  it('continues after a finding', async () => {
    await appendFiles(at, 3);
    const [first] = (await snapshotOf(at)).files.values();
    await at.store.delete(`events/${first?.path}`);
    const { rows, findings } = (await checkTable({ at })) ?? {};
    expect([rows, findings?.length]).toEqual([20, 1]);
  });
});
