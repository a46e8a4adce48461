import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

/*
 * No secret is in the repository. Keys that tests make up are short, or say what they are; those of Azure have 32 or 64 bytes.
 */

const secrets: readonly (readonly [string, RegExp])[] = [
  ['a key of Event Hubs', /SharedAccessKey=([A-Za-z0-9+/]{43}=)/g],
  ['a key of a storage account', /AccountKey=([A-Za-z0-9+/]{86}==)/g],
  ['a signature of a storage account', /[?&]sig=([A-Za-z0-9%+/]{43,}(?:%3D|=))/g],
  ['a client secret of Entra', /\b([A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31,34})/g],
  ['a token', /\b(eyJ[A-Za-z0-9_-]{20,}\.eyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,})/g],
  ['a token of GitHub', /\b(gh[pousr]_[A-Za-z0-9]{36})/g],
  ['a private key', /(-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s+[A-Za-z0-9+/])/g],
];

/** What is found in a text. Keys that are the same character again and again are no keys. */
const found = (text: string) =>
  secrets.flatMap(([what, pattern]) =>
    [...text.matchAll(pattern)]
      .filter(([, secret = '']) => new Set(secret).size > 12)
      .map(([all]) => ({ what, all })),
  );

/** The key of Azurite and of Microsoft's emulators, which is public. */
const isPublic = (text: string) =>
  text.includes('Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq');

// Skip it in a download without Git's folder, which does not say which files belong to the repository.
it.skipIf(!existsSync('.git'))('no file of the repository holds a secret', () => {
  const paths = execFileSync('git', ['ls-files', '-z'], { encoding: 'utf8' }).split('\0').filter(Boolean);
  const wrong = paths
    .filter((path) => existsSync(path) && !/\.(png|parquet|wasm|lock)$|package-lock\.json$/.test(path))
    .flatMap((path) =>
      found(readFileSync(path, 'latin1'))
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
  ['a private key', `-----BEGIN ${''}PRIVATE KEY-----\n${random(32)}`],
])('%s is found', (what, text) => {
  expect(found(text).map((one) => one.what)).toEqual([what]);
});
