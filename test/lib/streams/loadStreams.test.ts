import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { clickstream } from '../../../src/lib/streams/clickstream';
import { findStream, loadStreams } from '../../../src/lib/streams/loadStreams';

describe('the streams', () => {
  it('are those that the files of the folder export, in the order of their names', async () => {
    const streams = await loadStreams();
    expect(streams).toContain(clickstream);
    const exported = readdirSync('src/lib/streams')
      .toSorted()
      .flatMap((file) => {
        const text = readFileSync(`src/lib/streams/${file}`, 'utf8');
        return /^export const \w+: Stream = \{\n {2}name: '(\w+)'/m.exec(text)?.[1] ?? [];
      });
    expect(streams.map(({ name }) => name)).toEqual(exported);
  });

  it('are found by name, and by nothing else', async () => {
    for (const stream of await loadStreams()) expect(await findStream(stream.name)).toBe(stream);
    expect(await findStream('Clickstream')).toBeUndefined();
    expect(await findStream('toString')).toBeUndefined();
  });

  it('share no name, table, hub setting or column name ignoring case', async () => {
    const streams = await loadStreams();
    for (const names of [
      streams.map((stream) => stream.name),
      streams.map((stream) => stream.table),
      streams.map((stream) => stream.hubSetting),
      ...streams.map((stream) => stream.columns.map((column) => column.name.toLowerCase())),
    ])
      expect(new Set(names).size).toBe(names.length);
  });
});
