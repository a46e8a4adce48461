import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Azurite, startAzurite } from '../../local/azurite';
import { openLake } from './lakeFiles';
import { goBack, takePicture } from './picture';

let azurite: Azurite;
beforeAll(async () => {
  azurite = await startAzurite({});
});
afterAll(() => azurite.close());

it('a rollback needs the data files that the log names, but not those that a writer has taken back', async () => {
  const lake = openLake(azurite.connectionString);
  await lake.create();
  const put = (name: string, text: string) => lake.getBlockBlobClient(name).upload(text, text.length);
  const log = 'clicks/_delta_log';
  await put(`${log}/00000000000000000000.json`, '{"add":{"path":"part-a%20b.parquet"}}\n');
  await put('clicks/part-a b.parquet', 'rows');
  await put('clicks/part-refused.parquet', 'rows');
  const picture = await takePicture(lake);

  await lake.deleteBlob('clicks/part-refused.parquet');
  await put(`${log}/00000000000000000001.json`, '{"add":{"path":"part-c.parquet"}}\n');
  expect(await goBack(lake, picture)).toEqual({ to: 0, from: 1 });
  expect(await lake.getBlobClient(`${log}/00000000000000000001.json`).exists()).toBe(false);

  await lake.deleteBlob('clicks/part-a b.parquet');
  await expect(goBack(lake, picture)).rejects.toThrow('clicks/part-a b.parquet was deleted');
});
