import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { secretsIn } from '../kit/secretsIn';

/*
 * No secret is in the repository. Keys that tests make up are short, or say what they are; those of Azure have 32 or 64 bytes.
 */

/** The key of Azurite and of Microsoft's emulators, which is public. */
const isPublic = (text: string) =>
  text.includes('Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq');

// Skip it in a download without Git's folder, which does not say which files belong to the repository.
it.skipIf(!existsSync('.git'))('no file of the repository holds a secret', () => {
  const paths = execFileSync('git', ['ls-files', '-z'], { encoding: 'utf8' }).split('\0').filter(Boolean);
  const wrong = paths
    .filter((path) => existsSync(path) && !/\.(png|parquet|wasm|lock)$|package-lock\.json$/.test(path))
    .flatMap((path) =>
      secretsIn(readFileSync(path, 'latin1'))
        .filter(({ all }) => !isPublic(all))
        .map(({ what }) => `${path} holds ${what}`),
    );
  expect(wrong).toEqual([]);
});

const random = (length: number) => 'q7Zr2LxKp0Vd9sTfHwYbNcJ4mUgE8aRi'.repeat(3).slice(0, length);

it.each([
  ['a key of Event Hubs', `SharedAccessKey=${random(43)}=`],
  ['a key of a storage account', `AccountKey=${random(86)}==`],
  ['a signature of a storage account', `?sv=2024-11-04&sig=${random(43)}%3D`],
  ['a client secret of Entra', `abc8Q~${random(34)}`],
  ['a token', `eyJ${random(24)}.eyJ${random(24)}.${random(24)}`],
  ['a token of GitHub', `ghp_${random(36)}`],
  ['a key in PEM', `-----BEGIN ${''}PRIVATE KEY-----\n${random(32)}`],
])('%s is found', (what, text) => {
  expect(secretsIn(text).map((one) => one.what)).toEqual([what]);
});
