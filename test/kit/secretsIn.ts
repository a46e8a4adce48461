import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const patterns: readonly (readonly [string, RegExp])[] = [
  ['a key of Event Hubs', /SharedAccessKey=([A-Za-z0-9+/]{43}=)/g],
  ['a key of a storage account', /AccountKey=([A-Za-z0-9+/]{86}==)/g],
  ['a signature of a storage account', /[?&]sig=([A-Za-z0-9%+/]{43,}(?:%3D|=))/g],
  ['a client secret of Entra', /\b([A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31,34})/g],
  ['a token', /\b(eyJ[A-Za-z0-9_-]{20,}\.eyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,})/g],
  ['a token of GitHub', /\b(gh[pousr]_[A-Za-z0-9]{36})/g],
  ['a key in PEM', /(-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s+[A-Za-z0-9+/])/g],
];

/** The parts of a text that have the form of a secret. A key that repeats one character is not a real key. */
export const secretsIn = (text: string): { what: string; all: string }[] =>
  patterns.flatMap(([what, pattern]) =>
    [...text.matchAll(pattern)]
      .filter(([, secret = '']) => new Set(secret).size > 12)
      .map(([all]) => ({ what, all })),
  );

/** The keys and passwords in the connection strings of settings. */
const keysOf = (settings: Readonly<Record<string, string>>): string[] =>
  Object.values(settings).flatMap((value) =>
    [...value.matchAll(/(?:AccountKey|SharedAccessKey|Password|Pwd)=([^;]+)/gi)].map(([, key = '']) => key),
  );

/** One line for each log in a folder that has a key of these settings, or a text in the form of a secret. */
export function secretsInLogs(logDir: string, settings: Readonly<Record<string, string>>): string[] {
  const logs = readdirSync(logDir).filter((name) => name.endsWith('.log'));
  if (logs.length === 0) throw new Error(`${logDir} has no logs to look through.`);
  const keys = keysOf(settings);
  if (keys.length === 0) throw new Error('The settings have no key to look for.');
  return logs.flatMap((name) => {
    const text = readFileSync(join(logDir, name), 'utf8');
    return [
      ...secretsIn(text).map(({ what }) => `${name} holds ${what}`),
      ...(keys.some((key) => text.includes(key)) ? [`${name} holds a key of the settings`] : []),
    ];
  });
}
