import { expect, it } from 'vitest';
import { compareFigures } from '../../local/comparison';
import { LetterCounter } from '../../local/figures';
import { openSnapshot } from '../../src/lib/delta/openTable';
import { replayLetters } from '../../src/lib/ingest/replayLetters';
import { deadLettersTable } from '../../src/lib/lake/deadLetters';
import { clickstream } from '../../src/lib/streams/clickstream';
import { StreamTables } from '../lib/verify/streamTables';

it('a dead letter that was replayed is a row like any other in the last line', async () => {
  const tables = new StreamTables();
  const { store } = tables;
  const at = (table: string) => ({ store, table });
  await tables.commit([[0, 0]], [[0, 2]]);
  const body = JSON.stringify({ productid: 7, timestamp: '2026-01-01T12:00:00Z', sessionid: 3, category: 1 });
  await tables.addLetters([
    { partition: 0, sequenceNumber: 1, body },
    { partition: 0, sequenceNumber: 2 },
  ]);
  const letters = new LetterCounter({ stream: clickstream, store });
  const lineWith = async (rows: number): Promise<string> => {
    const version = (await openSnapshot(at(clickstream.table)))?.version ?? -1;
    const figures = { accepted: 3, delivered: 3, ingested: 3, rows, version, inWarehouse: rows };
    return compareFigures(clickstream, figures, { clicks: rows, letters: await letters.count() }).line;
  };

  expect(await lineWith(1)).toMatch(/, rows 1 = .*, 2 dead letters$/);
  await replayLetters({ stream: clickstream, rows: at(clickstream.table), letters: at(deadLettersTable) });
  expect(await lineWith(2)).toMatch(/, rows 2 = .*, 1 dead letter$/);
  await tables.commit([[0, 2]], []);
  expect(await lineWith(3)).toBe('accepted 3 = rows 3 = clicks 3 = warehouse 3');
});
