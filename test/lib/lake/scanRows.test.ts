import { expect, it } from 'vitest';
import { openSnapshot } from '../../../src/lib/delta/openTable';
import { field } from '../../../src/lib/delta/schema';
import type { Snapshot } from '../../../src/lib/delta/state';
import { filesWith, holds, scanRows } from '../../../src/lib/lake/scanRows';
import { rowsPerTurn } from '../../../src/lib/nextTurn';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { mostBetweenTurns } from '../../kit/mostBetweenTurns';
import { ClicksTable } from '../counts/clicksTable';
import { StreamTables } from '../verify/streamTables';

/** A table of files with these statistics, of which nothing is read. */
async function tableOf(stats: Readonly<Record<string, string | undefined>>): Promise<Snapshot> {
  const tables = new StreamTables();
  await tables.commit([[0, 1]], [[0, 1]]);
  const snapshot = await openSnapshot({ store: tables.store, table: 'clicks' });
  if (!snapshot) throw new Error('There is no table.');
  const files = Object.entries(stats).map(([path, text]) => {
    const add = { path, partitionValues: {}, size: 1, modificationTime: 1, dataChange: true };
    return [path, text === undefined ? add : { ...add, stats: text }] as const;
  });
  return { ...snapshot, files: new Map(files), fields: [field('sequence_number', 'long')] };
}

const bounds = (least: string, most: string) =>
  `{"numRecords":1,"minValues":{"sequence_number":${least}},"maxValues":{"sequence_number":${most}}}`;

const filesThatHold = (snapshot: Snapshot, value: number, column = 'sequence_number') =>
  filesWith(snapshot, column, (range) => holds(range, value)).map(({ path }) => path);

it('passes over files whose statistics exclude the value, both bounds among the values', async () => {
  const snapshot = await tableOf({
    below: bounds('1', '4'),
    within: bounds('5', '5'),
    above: bounds('6', '9'),
  });
  expect(filesThatHold(snapshot, 5)).toEqual(['within']);
  expect(filesThatHold(snapshot, 4)).toEqual(['below']);
  expect(filesThatHold(snapshot, 10)).toEqual([]);
});

it('takes bounds with all their digits', async () => {
  const snapshot = await tableOf({
    exact: bounds('9007199254740991', '9007199254740993'),
    above: bounds('9007199254740993', '9223372036854775807'),
  });
  expect(filesThatHold(snapshot, 2 ** 53 - 1)).toEqual(['exact']);
  // As doubles, both would begin at 9007199254740992.
  expect(filesThatHold(snapshot, 2 ** 53)).toEqual(['exact']);
});

it('keeps files without usable statistics', async () => {
  const snapshot = await tableOf({
    none: undefined,
    cut: '{"numRecords":',
    'no object': '7',
    'no bounds': '{"numRecords":1}',
    'text as bounds': bounds('"a"', '"b"'),
    'only a least value': '{"minValues":{"sequence_number":3}}',
  });
  expect(filesThatHold(snapshot, 5)).toEqual([...snapshot.files.keys()]);
  expect(filesThatHold(snapshot, 2)).not.toContain('only a least value');
});

it('keeps all files for a column that the table does not have', async () => {
  const snapshot = await tableOf({ one: bounds('1', '4') });
  expect(filesThatHold(snapshot, 9, 'another')).toEqual(['one']);
});

it('lets other work go on between the rows of a large row group', async () => {
  const table = await new ClicksTable(new MemoryStore()).create();
  const ids = Array.from({ length: 3 * rowsPerTurn + 1 }, (_, at) => at);
  await table.append(ids.map((productid) => ({ productid })));
  const snapshot = await openSnapshot(table.at);
  if (!snapshot) throw new Error('There is no table.');
  const scan = { state: snapshot, files: snapshot.files.values(), columns: ['productid'] };
  const seen: unknown[] = [];
  const most = await mostBetweenTurns((look) =>
    scanRows(scan, ([id]) => {
      look();
      seen.push(id);
    }),
  );
  expect(seen).toEqual(ids);
  expect(most).toBe(rowsPerTurn);
});
