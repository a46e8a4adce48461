import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { hourMs } from '../../../../src/lib/duration';
import { MemoryStore } from '../../../../src/lib/storage/memoryStore';
import type { WarehouseTable } from '../../../../src/lib/streams/stream';
import {
  deleteLeftFiles,
  encodeCsv,
  splitForCopy,
  stagingPrefix,
} from '../../../../src/lib/warehouse/synapse/stagedFile';
import { turnsDuring } from '../../../kit/turnsDuring';

const table: WarehouseTable = {
  schema: 'shop',
  name: 'sales',
  columns: [
    { name: 'id', type: 'int', from: 'id' },
    { name: 'note', type: 'nvarchar(20)', from: 'note' },
    { name: 'price', type: 'float', from: 'price' },
  ],
};
const rejected = [{ hubCreatedAt: 0, partition: 0, sequenceNumber: 0, element: 0, reason: 'no', row: '{}' }];

describe('files that a killed process has left', () => {
  it('are deleted a day later, by the clock of the store, and no others', async () => {
    let now = 0;
    const store = new MemoryStore('lake', () => now);
    const paths = async () => {
      const found: string[] = [];
      for await (const { path } of store.list('')) found.push(path);
      return found;
    };
    for (const [at, path] of [
      [0, `${stagingPrefix}old`],
      [0, 'clicks/data.parquet'],
      [1, `${stagingPrefix}young`],
      [24, `${stagingPrefix}own`],
    ] as const) {
      now = at * hourMs;
      await store.put(path, Buffer.from(''));
    }
    await deleteLeftFiles({ store });
    expect(await paths()).toEqual(['clicks/data.parquet', `${stagingPrefix}own`, `${stagingPrefix}young`]);
  });
});

describe('a staged file', () => {
  it('has a line for each row, texts in quotes and nothing for null', async () => {
    const columns = [
      [1, 2, 3],
      ['a"b,c', null, ' '],
      [0.5, null, -1],
    ];
    const bytes = await encodeCsv(table, { columns, count: 3, rejected: [] });
    expect(gunzipSync(bytes).toString()).toBe('1,"a""b,c",5e-1\n2,,\n3," ",-1e+0\n');
  });

  it('has many rows in their order, and lets other work go on while they are written', async () => {
    const ids = Array.from({ length: 10_000 }, (_, id) => id);
    const columns = [ids, ids.map(String), ids.map((id) => id / 2)];
    let bytes: Buffer | undefined;
    const turns = await turnsDuring(async () => {
      bytes = await encodeCsv(table, { columns, count: ids.length, rejected: [] });
    });
    const lines = gunzipSync(bytes ?? Buffer.of())
      .toString()
      .trimEnd()
      .split('\n');
    expect(lines.map((line) => Number(line.split(',')[0]))).toEqual(ids);
    expect(turns).toBeGreaterThanOrEqual(4);
  });

  it('carries all rows but those with empty texts or line breaks', () => {
    const columns = [
      [1, 2, 3, 4, 5],
      ['a', '', 'b\n', '\r', null],
      [1, 2, 3, null, 5],
    ];
    const { staged, others } = splitForCopy({ columns, count: 5, rejected });
    expect(staged).toEqual({
      columns: [
        [1, 5],
        ['a', null],
        [1, 5],
      ],
      count: 2,
      rejected: [],
    });
    expect(others).toEqual({
      columns: [
        [2, 3, 4],
        ['', 'b\n', '\r'],
        [2, 3, null],
      ],
      count: 3,
      rejected,
    });
  });

  it('carries all rows where none is such a row; the rejected ones are inserted', () => {
    const columns = [[1], ['a'], [1]];
    const { staged, others } = splitForCopy({ columns, count: 1, rejected });
    expect(staged).toEqual({ columns, count: 1, rejected: [] });
    expect(others).toEqual({ columns: [[], [], []], count: 0, rejected });
  });
});
