import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { settingDefinitions } from '../../src/lib/settingDefinitions';
import { loadStreams } from '../../src/lib/streams/loadStreams';
import { settingsOf } from '../../src/lib/streams/stream';

/*
 * docs/requests.md says of each request whether it is there, and where: what its rows name must exist.
 */

const document = readFileSync('docs/requests.md', 'utf8');
const rows = [...document.matchAll(/^\| (?!asked for|-)(.+?) \| (.+?) \|(.*)\|$/gm)].map(
  ([, asked = '', answer = '', where = '']) => ({ asked, answer, where }),
);

it('answers every request with yes, partly or not yet, and says where or why', () => {
  expect(rows.length).toBeGreaterThan(28);
  for (const { asked, answer, where } of rows) {
    expect(answer, asked).toMatch(/^(?:yes(?:, without the cluster)?|partly|not yet)$/);
    const places = asked.match(/[\w./-]+\/[\w./-]+|[\w.]+\.json/g) ?? [];
    expect(where.trim() !== '' || (places.length > 0 && places.every(existsSync)), asked).toBe(true);
  }
});

describe('what its rows name is there', () => {
  const named = (pattern: RegExp) =>
    rows.flatMap(({ where }) => [...where.matchAll(pattern)].map(([, name = '']) => name));

  it('functions', () => {
    const functions = named(/`((?:emit|ingest|get|sync|maintain|rebuild)[A-Z]\w*)`/g);
    expect(functions.length).toBeGreaterThan(5);
    expect(
      functions.filter((name) => !existsSync(`src/functions/${name}.ts`) && !/Coincap/.test(name)),
    ).toEqual([]);
  });

  it('settings', async () => {
    const definitions = [...settingDefinitions, ...(await loadStreams()).flatMap(settingsOf)].map(
      ({ name }) => name,
    );
    const hubs = (await loadStreams()).map(({ hubSetting }) => hubSetting);
    const settings = named(/`([A-Z]+(?:_[A-Z]+)*)`/g);
    const known = (name: string) =>
      definitions.includes(name) ||
      hubs.includes(name) ||
      /^(?:CLICKSTREAM|COINCAP)_(?:LISTEN|SEND|HUB)$/.test(name);
    expect(settings.length).toBeGreaterThan(5);
    expect(settings.filter((name) => !known(name))).toEqual([]);
  });
});
