import { expect, it } from 'vitest';
import type { LogFile } from '../../../src/lib/delta/log';
import { readStray } from '../../../src/lib/maintenance/strayFiles';
import { newLocation } from './table';

it('stray files come from the highest version down, and the entry of a version last', async () => {
  const file = (version: number | undefined, kind: LogFile['kind']): LogFile => ({
    path: `events/_delta_log/${version}.${kind}`,
    kind,
    version,
    parts: undefined,
    lastModified: new Date(0),
  });
  const files = [
    file(7, 'commit'),
    file(undefined, 'other'),
    file(7, 'checkpoint'),
    file(8, 'other'),
    file(8, 'commit'),
    file(9, 'commit'),
    file(9, 'checkpoint'),
  ];
  const ordered = await readStray(newLocation(), files);
  expect(ordered.map(({ version, kind }) => `${version} ${kind}`)).toEqual([
    '9 checkpoint',
    '9 commit',
    '8 other',
    '8 commit',
    '7 checkpoint',
    '7 commit',
    'undefined other',
  ]);
});
