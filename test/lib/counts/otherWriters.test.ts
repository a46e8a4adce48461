import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Counts } from '../../../src/lib/counts/counts';
import { putCommit } from '../../../src/lib/delta/commit';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { countedClicks } from '../../../src/lib/streams/clickstream';
import { type DuckDb, openDuckDb } from '../delta/parquet/duckdb';
import { ClicksTable } from './clicksTable';
import { plainTally } from './plainTally';

let folder: string;
let duckdb: DuckDb;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-'));
  duckdb = await openDuckDb();
});
afterEach(() => {
  duckdb.close();
  rmSync(folder, { recursive: true });
});

describe('counts', () => {
  it("include rows of other writers, and equal DuckDB's counts of the same files", async () => {
    const store = new MemoryStore();
    const table = await new ClicksTable(store).create();
    const counts = new Counts({ at: table.at, counted: countedClicks, refreshMs: 0 });
    await table.click(1, 2, 2, 670);
    await counts.current();

    const foreign = join(folder, 'foreign.parquet');
    await duckdb.run(`copy (
      select (i * 7919 % 670 + 1)::integer productid, null::timestamptz "timestamp", i::bigint sessionid,
        (i % 3)::integer category, to_timestamp(1790000000) - interval (i) minute enqueued_at,
        to_timestamp(0) hub_created_at, 0::integer hub_partition, (100 + i)::bigint sequence_number, 0::integer element
      from range(5000) t(i)) to '${foreign}' (format parquet, codec zstd, row_group_size 2048)`);
    const bytes = readFileSync(foreign);
    await store.put('clicks/part-foreign.zstd.parquet', bytes);
    const add = {
      path: 'part-foreign.zstd.parquet',
      partitionValues: {},
      size: bytes.length,
      modificationTime: 1,
      dataChange: true,
    };
    await putCommit(table.at, 2, [{ add }], { operation: 'WRITE', isBlindAppend: true });
    await table.click(2, 670);

    for (const path of await table.paths())
      writeFileSync(
        join(folder, `live-${basename(path)}`),
        (await store.get(path))?.bytes ?? new Uint8Array(),
      );
    const sql = `select productid, count(*)::integer from read_parquet('${folder}/live-*.parquet', union_by_name = true) group by 1`;
    const recounted = new Map((await duckdb.rows(sql)).map(([product, clicks]) => [product, clicks]));
    const byProduct = async (from: Counts) => {
      const { tally } = await from.current();
      return new Map(tally.keys.map((key, index) => [key, tally.counts[index]]));
    };
    expect(recounted.size).toBe(670);
    expect(await byProduct(counts)).toEqual(recounted);
    // From the live files, and from a cached state, it is the same.
    const anew = new Counts({ at: table.at, counted: countedClicks });
    expect(await byProduct(anew)).toEqual(recounted);
    expect(plainTally((await anew.current()).tally).minutes).toEqual(
      plainTally((await counts.current()).tally).minutes,
    );
    await counts.save();
    expect(await byProduct(new Counts({ at: table.at, counted: countedClicks }))).toEqual(recounted);
  });
});
