import { beforeEach, describe, expect, it } from 'vitest';
import { TableAppender } from '../../../src/lib/delta/tableAppender';
import { errorCodes } from '../../../src/lib/errors';
import { readFailures } from '../../../src/lib/ingest/ingestFailure';
import { IngestStatus } from '../../../src/lib/ingest/ingestStatus';
import { tableFields } from '../../../src/lib/lake/rowAddress';
import { clickstream } from '../../../src/lib/streams/clickstream';
import type { ColumnType } from '../../../src/lib/streams/stream';
import { addresses, batch, WriterStand } from './writerStand';

/*
 * A stream one of whose columns has another type than the table has.
 */

let stand: WriterStand;
beforeEach(async () => {
  stand = new WriterStand();
  await stand.writer().commit(batch(0, 0, 4));
});

/** A writer of a stream whose category has another type or name. */
function changed(column: { readonly name?: string; readonly type?: ColumnType }) {
  const columns = clickstream.columns.map((one) => (one.name === 'category' ? { ...one, ...column } : one));
  return stand.writer({
    rows: new TableAppender({ at: stand.at, fields: tableFields({ ...clickstream, columns }) }),
  });
}

describe('a batch of a stream whose column changed its type', () => {
  it('is refused with what the table has, what was wanted, and what to do', async () => {
    for (const attempt of [1, 2])
      await expect(
        changed({ type: 'string' }).commit(batch(0, 5, 9)),
        `attempt ${attempt}`,
      ).rejects.toMatchObject({
        code: 'delta.schema',
        retriable: false,
        message: expect.stringMatching(
          /clicks version 1: rows cannot be appended: the table's column category is integer, wanted is string\. Set the column back to what the table has, or give it a new name, which adds it/,
        ),
      });
    expect(await stand.rows()).toEqual(addresses(0, 0, 4));
  });

  it('is recorded for health, as an error that does not pass by itself', async () => {
    const status = new IngestStatus({ store: async () => stand.store, warn: () => {} });
    const writer = changed({ type: 'string' });
    await writer.commit(batch(0, 5, 9)).catch((error) => status.failed('clickstream', '0', error));
    await status.settled();
    expect(await readFailures(stand.store)).toMatchObject([
      { stream: 'clickstream', partitionId: '0', code: 'delta.schema' },
    ]);
    expect(errorCodes['delta.schema'].retriable).toBe(false);
  });

  it('is committed once the column has its former type again, or a new name', async () => {
    await expect(changed({ type: 'string' }).commit(batch(0, 5, 9))).rejects.toMatchObject({
      code: 'delta.schema',
    });
    await changed({ name: 'category_code' }).commit(batch(0, 5, 9));
    await stand.writer().commit(batch(0, 10, 14));
    expect(await stand.rows()).toEqual(addresses(0, 0, 14));
  });
});
