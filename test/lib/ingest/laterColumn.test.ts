import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { openSnapshot } from '../../../src/lib/delta/openTable';
import { TableAppender } from '../../../src/lib/delta/tableAppender';
import { decodeEvents } from '../../../src/lib/ingest/decodeEvents';
import { tableFields } from '../../../src/lib/lake/rowAddress';
import { clickstream } from '../../../src/lib/streams/clickstream';
import { decodeJsonElements } from '../../../src/lib/streams/jsonElements';
import {
  columnsOf,
  integerField,
  type JsonField,
  readFields,
  stringField,
} from '../../../src/lib/streams/jsonFields';
import type { Stream } from '../../../src/lib/streams/stream';
import { openDuckDb } from '../delta/parquet/duckdb';
import { generation, hubCreatedAt, WriterStand } from './writerStand';

/*
 * A stream that gets a column for a field which its events had all along.
 */

const fields: readonly JsonField[] = [
  { name: 'productid', from: 'productid', type: 'integer', nullable: false, read: integerField },
  { name: 'campaign', from: 'campaign', type: 'string', nullable: true, read: stringField },
];
const readClick = readFields(fields);
const withCampaign: Stream = {
  ...clickstream,
  columns: columnsOf(fields),
  decode: (body) => decodeJsonElements(body, readClick),
};

let stand: WriterStand;
beforeEach(() => {
  stand = new WriterStand();
});

/** Ingests bodies as a process whose stream is this one. */
async function ingest(stream: Stream, first: number, ...bodies: string[]): Promise<void> {
  const rows = new TableAppender({ at: stand.at, fields: tableFields(stream) });
  const writer = stand.writer({ rows });
  const events = bodies.map((body, index) => ({
    body: Buffer.from(body),
    sequenceNumber: first + index,
    enqueuedAt: hubCreatedAt,
  }));
  await writer.commit({
    stream: stream.name,
    generation,
    partitionId: '0',
    events: decodeEvents(stream, events),
  });
}

/** The result of a query on the table `clicks`, which has the rows of all data files. */
async function query(sql: string): Promise<unknown[]> {
  const folder = mkdtempSync(join(tmpdir(), 'later-column-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const snapshot = await openSnapshot(stand.at);
  for (const path of snapshot?.files.keys() ?? []) {
    const file = await stand.store.get(`${stand.at.table}/${path}`);
    writeFileSync(join(folder, path), file?.bytes ?? '');
  }
  const duckdb = await openDuckDb();
  onTestFinished(() => duckdb.close());
  await duckdb.run(`CREATE VIEW clicks AS FROM read_parquet('${folder}/*.parquet', union_by_name = true)`);
  return duckdb.rows(sql);
}

it('a view reads a column that was added later from the rescued fields of the rows before', async () => {
  await ingest(clickstream, 0, '{"productid":1,"campaign":"spring","n":1.10}', '{"productid":2}');
  await ingest(withCampaign, 2, '{"productid":3,"campaign":"summer"}', '{"productid":4,"store":"north"}');
  // A process of the previous release, which does not know the column.
  await ingest(clickstream, 4, '{"productid":5,"campaign":"autumn"}');
  const sql = `SELECT productid, COALESCE(campaign, json_extract_string(_rescued_data, '$.campaign')) AS campaign,
    _rescued_data FROM clicks ORDER BY productid`;
  expect(await query(sql)).toEqual([
    [1, 'spring', '{"campaign":"spring","n":1.10}'],
    [2, null, null],
    [3, 'summer', null],
    [4, null, '{"store":"north"}'],
    [5, 'autumn', '{"campaign":"autumn"}'],
  ]);
  const names = (await openSnapshot(stand.at))?.fields.map(({ name }) => name);
  expect(names?.slice(-2)).toEqual(['_rescued_data', 'campaign']);
});
