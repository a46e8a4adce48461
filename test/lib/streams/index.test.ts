import { describe, expect, it } from 'vitest';
import { findStream, streams } from '../../../src/lib/streams';

describe('the streams', () => {
  it('are found by name, and by nothing else', () => {
    for (const stream of streams) expect(findStream(stream.name)).toBe(stream);
    expect(findStream('Clickstream')).toBeUndefined();
    expect(findStream('toString')).toBeUndefined();
  });

  it('share no name, table, hub setting or column name ignoring case', () => {
    for (const names of [
      streams.map((stream) => stream.name),
      streams.map((stream) => stream.table),
      streams.map((stream) => stream.hubSetting),
      ...streams.map((stream) => stream.columns.map((column) => column.name.toLowerCase())),
    ])
      expect(new Set(names).size).toBe(names.length);
  });
});
