import { append } from '../../src/lib/delta/commit';
import { openState } from '../../src/lib/delta/openTable';
import { field } from '../../src/lib/delta/schema';
import { writeDataFile } from '../../src/lib/delta/writeDataFile';
import { openAzureBlobStore } from '../../src/lib/storage/azureBlobStore';

/*
 * One of many writers of one table: `node writer.js <connection string> <writer> <commits>`. Each commit has one row and one txn.
 */

export const raceFields = [field('writer', 'integer', false), field('number', 'integer', false)];

async function main([connectionString = '', writer, commits]: string[]): Promise<void> {
  const at = { store: await openAzureBlobStore({ connectionString }, 'lake'), table: 'race' };
  let state = await openState(at);
  if (!state) throw new Error('There is no table to write to.');
  console.log('writer ready');
  for (let number = 0; number < Number(commits); number++) {
    const columns = [[Number(writer)], [number]];
    const add = await writeDataFile({ at, fields: raceFields, columns });
    const txns = [{ appId: `writer/${writer}`, version: number, lastUpdated: Date.now() }];
    const { outcome, state: after } = await append({
      state,
      fields: raceFields,
      adds: [add],
      txns,
      limitMs: 120_000,
    });
    if (outcome !== 'committed') throw new Error(`Commit ${number} found a txn of its own by somebody else.`);
    state = after;
  }
}

// Exit explicitly, because the channel to the parent would keep the process alive.
if (require.main === module)
  main(process.argv.slice(2)).then(
    () => process.exit(0),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
