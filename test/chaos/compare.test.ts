import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Azurite, startAzurite } from '../../local/azurite';
import type { ColumnValues } from '../../src/lib/delta/columnValues';
import type { Value } from '../../src/lib/delta/schema';
import { TableAppender } from '../../src/lib/delta/tableAppender';
import { decodeEvents } from '../../src/lib/ingest/decodeEvents';
import { planRound } from '../../src/lib/ingest/round';
import { deadLettersTable, letterFields } from '../../src/lib/lake/deadLetters';
import { tableFields } from '../../src/lib/lake/rowAddress';
import { seededRandom } from '../../src/lib/sources/seededRandom';
import { openAzureBlobStore } from '../../src/lib/storage/azureBlobStore';
import { clickstream } from '../../src/lib/streams/clickstream';
import { listOf } from '../lib/ingest/decodedRows';
import { BodyMaker } from './bodies';
import { compareWithHub } from './compare';

const bodies = new BodyMaker(seededRandom(3));
const made = Array.from({ length: 400 }, () => bodies.make());
const held = made.map(({ id }, sequenceNumber) => ({ partition: 0, sequenceNumber, id }));
const round = planRound({
  batches: [
    {
      appId: 'hub/0',
      hubCreatedAt: 0,
      partition: 0,
      events: decodeEvents(
        clickstream,
        made.map(({ body }, sequenceNumber) => ({ body, sequenceNumber, enqueuedAt: 0 })),
      ),
    },
  ],
  committed: new Map(),
  stream: clickstream.name,
  fields: tableFields(clickstream),
});

let azurite: Azurite;
let folder: string;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.close());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-'));
  return () => rmSync(folder, { recursive: true });
});

type Letters = readonly (readonly Value[])[];
const sent: Letters = round.letters.columns.map((column) => listOf(column).map((value) => value ?? null));

/** Writes the rows and these letters into new tables, and compares. */
async function compare(letters: readonly Letters[]): Promise<readonly string[]> {
  // Delete the tables of an earlier comparison.
  const store = await openAzureBlobStore(azurite, 'lake');
  for await (const { path } of store.list('')) await store.delete(path);
  const append = async (table: string, fields: typeof letterFields, columns: readonly ColumnValues[]) => {
    const appender = new TableAppender({ at: { store, table }, fields });
    await appender.appendRows(columns, columns[0]?.length ?? 0);
  };
  await append(clickstream.table, tableFields(clickstream), round.columns);
  for (const columns of letters) await append(deadLettersTable, letterFields, columns);
  const compared = await compareWithHub({
    storageConnection: azurite.connectionString,
    held,
    bodies,
    folder,
  });
  return compared.problems;
}

/** The letters with one value replaced, of the first letter that has one there. */
function withOther(name: string, value: string): Letters {
  const index = letterFields.findIndex((field) => field.name === name);
  return sent.map((column, at) =>
    at === index
      ? column.with(
          column.findIndex((one) => one !== null && one !== value),
          value,
        )
      : column,
  );
}

describe('the comparison with the hub', () => {
  it('finds no problem in tables with exactly the sent events, even if letters are there twice', async () => {
    expect(await compare([sent])).toEqual([]);
    expect(await compare([sent, sent])).toEqual([]);
  });

  it.each([
    ['reason', 'wrong-shape'],
    ['body', '{"productid":2}'],
    ['body_encoding', 'base64'],
    ['body_encoding', 'utf-16'],
  ])('finds a letter with another %s', async (name, value) => {
    const problems = (await compare([withOther(name, value)])).join('\n');
    expect(problems).toContain('1 elements that are no letter with their reason and body:');
    expect(problems).toContain('1 letters of elements that are none, or with another reason or body:');
  });

  it('finds a second letter that is not as the first', async () => {
    const problems = await compare([sent, withOther('body', '{"productid":2}')]);
    expect(problems[0]).toBe('1 letters of elements that are none, or with another reason or body:');
  });
});
