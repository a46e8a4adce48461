import { beforeEach, describe, expect, it } from 'vitest';
import { refuseRenamed } from '../../../src/lib/ingest/renamedHub';
import { partitionAppId } from '../../../src/lib/lake/hubGeneration';
import { addresses, batch, createdOn, generation, WriterStand } from './writerStand';

let stand: WriterStand;
beforeEach(() => {
  stand = new WriterStand();
});

/** The hub as it is seen through another name of its namespace. */
const alias = { ...generation, namespace: 'alias' };

/** From now on the connection names another namespace. */
function connectTo(to: typeof generation) {
  stand.service.generation = to;
  return stand.writer();
}

describe('a hub whose namespace has another name now', () => {
  beforeEach(async () => {
    await stand.writer().commit(batch(0, 0, 9));
  });

  it('is refused with the name that the table knows, and none of its events becomes a second row', async () => {
    const renamed = connectTo(alias);
    // From the first event on, as a trigger reads without a checkpoint; the next event; and a partition that had no events yet.
    for (const [partition, first, last] of [[0, 0, 9] as const, [0, 10, 19] as const, [1, 0, 9] as const])
      await expect(renamed.commit(batch(partition, first, last, alias))).rejects.toMatchObject({
        code: 'ingest.renamed',
        retriable: false,
        message: expect.stringMatching(
          /^clickstream partition \d: .* hub clicks, made at 2026-01-01T00:00:00.000Z, in the namespace contoso, .* the namespace alias\. .* Let the stream's connection name contoso again\.$/,
        ),
      });
    expect(await stand.rows()).toEqual(addresses(0, 0, 9));
    expect(await stand.letters()).toEqual([]);
  });

  it('goes on where it was once its former name is back', async () => {
    await connectTo(alias)
      .commit(batch(0, 0, 19, alias))
      .catch(() => {});
    const back = connectTo(generation);
    expect(await back.commit(batch(0, 0, 19))).toMatchObject({ rows: 10, duplicates: 10 });
    expect(await back.commit(batch(1, 0, 9))).toMatchObject({ rows: 10 });
  });

  it('is not refused for another case of its name', async () => {
    const upper = { ...generation, namespace: 'CONTOSO', hub: 'Clicks' };
    expect(await connectTo(upper).commit(batch(0, 0, 19, upper))).toMatchObject({ rows: 10, duplicates: 10 });
    expect(await connectTo(upper).commit(batch(1, 0, 9, upper))).toMatchObject({ rows: 10 });
  });

  it.each([
    ['was made at another time', { ...alias, createdOn: new Date(createdOn.getTime() + 1) }],
    ['has another name itself', { ...alias, hub: 'orders' }],
  ])('is a new hub if it %s', async (_when, another) => {
    expect(await connectTo(another).commit(batch(0, 0, 9, another))).toMatchObject({
      rows: 10,
      duplicates: 0,
    });
  });

  it('is not refused if the table knows it by both names: there would be no name to go back to', () => {
    const both = [partitionAppId(generation, '0'), partitionAppId(alias, '1')];
    expect(() => refuseRenamed(alias, both, 'here')).not.toThrow();
    expect(() => refuseRenamed(generation, both, 'here')).not.toThrow();
    expect(() => refuseRenamed(alias, both.slice(0, 1), 'here')).toThrow(/^here: /);
  });
});
