import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Azurite, startAzurite } from '../../local/azurite';
import { settingsAt } from '../../local/processes';
import { ProductNames } from '../../src/lib/counts/productNames';
import { openAzureBlobStore, openContainer } from '../../src/lib/storage/azureBlobStore';
import type { ObjectStore } from '../../src/lib/storage/objectStore';

/*
 * `npm run products` as its users run it, on the storage emulator.
 */

const folder = mkdtempSync(join(tmpdir(), 'products-'));
let azurite: Azurite;
let store: ObjectStore;
beforeAll(async () => {
  azurite = await startAzurite();
  const { connectionString } = azurite;
  await (await openContainer({ connectionString }, 'lake')).create();
  store = await openAzureBlobStore({ connectionString }, 'lake');
});
afterAll(async () => {
  await azurite.close();
  rmSync(folder, { recursive: true });
});
beforeEach(async () => {
  await store.delete('products.csv');
});

const settingsLine = 'Settings: the environment.\n';

function products(args: readonly string[], own: Record<string, string> = {}) {
  const settings = settingsAt({ storageConnection: azurite.connectionString, brokerPort: 1 });
  const env = { PATH: process.env.PATH, ...settings, ...own };
  const argv = [resolve('dist/src/cli/products.js'), ...args];
  return new Promise<{ code: number; out: string; err: string }>((done) =>
    execFile(process.execPath, argv, { cwd: folder, env }, (error, out, err) =>
      done({ code: error ? Number(error.code) : 0, out, err }),
    ),
  );
}

const write = (content: string | Buffer) => writeFileSync(join(folder, 'mine.csv'), content);
const uploaded = async () => (await store.get('products.csv'))?.bytes.toString();

describe('npm run products -- put', () => {
  it('uploads the file as it is, and the app reads the same names', async () => {
    const text = 'productid,name\n1,19" monitor\n7,"He said ""hi"""\n';
    write(text);
    expect(await products(['put', 'mine.csv'])).toEqual({
      code: 0,
      err: settingsLine,
      out: `mine.csv has names of 2 products. It is ${store.name}/products.csv now; the app reads it within half a minute.\n`,
    });
    expect(await uploaded()).toBe(text);
    expect([...(await new ProductNames(store).current()).names]).toEqual([
      [1, '19" monitor'],
      [7, 'He said "hi"'],
    ]);
  });

  it('warns of lines that are passed over, by their numbers', async () => {
    write('1,Lamp\nlamp,7\n\n3,\n1,Light\n');
    const { code, out, err } = await products(['put', 'mine.csv']);
    expect([code, err]).toEqual([
      0,
      'line 1 is passed over: line 5 names the same product\n' +
        'line 2 is passed over: its productid is no whole number\n' +
        `line 4 is passed over: it has no name\n${settingsLine}`,
    ]);
    expect(out).toContain('mine.csv has names of 1 product, and 3 lines that the app passes over. It is ');
    write(`1,Lamp\n${'x\n'.repeat(30)}`);
    expect((await products(['put', 'mine.csv'])).err).toContain('line 21 is passed over');
    expect((await products(['put', 'mine.csv'])).err).toMatch(/^… and 10 more$/m);
  });

  it('warns of more products than are counted on their own', async () => {
    write('1,Lamp\n2,Chair\n');
    expect((await products(['put', 'mine.csv'], { COUNTED_PRODUCTS: '1' })).err).toContain(
      'COUNTED_PRODUCTS is 1, so that only as many of these products are counted on their own.',
    );
  });

  it.each([
    ['7;Lamp\n8;Chair\n', 'mine.csv names no product: expected a line like "7,Lamp" for each'],
    ['', 'mine.csv names no product'],
    [Buffer.from('7,Tür', 'latin1'), 'mine.csv is not in UTF-8: save it as "CSV UTF-8", and try again.'],
  ])('refuses what the app could not use: %j', async (content, message) => {
    write(content);
    const { code, out, err } = await products(['put', 'mine.csv']);
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain(message);
    expect(await uploaded()).toBeUndefined();
  });

  it('refuses a file before it reads any settings', async () => {
    write('7;Lamp\n');
    const { code, err } = await products(['put', 'mine.csv'], { LakeStorage: '' });
    expect([code, err]).toEqual([1, expect.stringMatching(/^mine\.csv names no product: .*\n/)]);
    expect(err).not.toContain('ettings');
  });

  it('needs no settings of a hub', async () => {
    write('1,Lamp');
    const { code } = await products(['put', 'mine.csv'], { EventHubConnection: '', CONSUMER_GROUP: '' });
    expect([code, await uploaded()]).toEqual([0, '1,Lamp']);
  });

  it('says why a file cannot be read, and only checks it with --dry-run', async () => {
    expect(await products(['put', 'gone.csv'])).toMatchObject({
      code: 2,
      err: expect.stringMatching(/^gone\.csv cannot be read: there is no such file or folder\.\n/),
    });
    expect((await products(['put', '.'])).err).toMatch(/^\. cannot be read: it is a folder\.\n/);
    expect(await products(['put', '/dev/zero'])).toMatchObject({
      code: 2,
      err: expect.stringMatching(
        /^\/dev\/zero cannot be read: it is a device or a pipe\. Save what it gives/,
      ),
    });
    write('1,Lamp');
    expect((await products(['put', 'mine.csv', '--dry-run'])).out).toBe(
      'mine.csv has names of 1 product. Nothing was uploaded.\n',
    );
    expect(await uploaded()).toBeUndefined();
  });
});

describe('npm run products -- show and get', () => {
  it('show the names, inert, and save the file without replacing one', async () => {
    const text = '1,Lamp\nx,Ghost\n12,"two\nlines \u001b[2J"\n';
    await store.put('products.csv', Buffer.from(text));
    expect(await products(['show'])).toEqual({
      code: 0,
      out:
        '         1  Lamp\n        12  two\\nlines \\u001b[2J\n' +
        'products.csv has names of 2 products, and 1 line that the app passes over.\n',
      err: `${settingsLine}line 2 is passed over: its productid is no whole number\n`,
    });
    expect(await products(['get', 'copy.csv'])).toMatchObject({ code: 0 });
    expect(readFileSync(join(folder, 'copy.csv'), 'utf8')).toBe(text);
    for (const taken of ['copy.csv', folder])
      expect(await products(['get', taken])).toMatchObject({
        code: 2,
        err: expect.stringContaining(
          `${taken} cannot be written: there is something of this name already.\n`,
        ),
      });
  });

  it.each([['show'], ['get', 'none.csv']])(
    '%s says how to upload a file where there is none',
    async (...args) => {
      expect(await products(args)).toEqual({
        code: 1,
        out: '',
        err: `${settingsLine}${store.name} has no products.csv: upload one with npm run products -- put FILE.\n`,
      });
    },
  );
});
