import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppCopy } from './appCopy';

/*
 * Follows docs/add-a-stream.md to the letter: what it lists for CoinCap is deleted from a copy of the project, and nothing else
 * is touched.
 */

describe.skipIf(!existsSync('src/lib/streams/coincap.ts'))('removing CoinCap', () => {
  let app: AppCopy;

  beforeAll(() => {
    app = new AppCopy();
    const [, list = ''] = readFileSync('docs/add-a-stream.md', 'utf8').split('## Remove a stream');
    const paths = [...list.matchAll(/^- `([^`]+)`$/gm)].map(([, path = '']) => path);
    expect(paths).toContain('src/lib/streams/coincap.ts');
    for (const path of paths) app.remove(path);
  }, 60_000);

  afterAll(() => app?.delete(), 60_000);

  it('leaves a project that builds, tests included', { timeout: 120_000 }, () => {
    app.build();
    app.checkTypes();
  });

  it('leaves tests that pass', { timeout: 120_000 }, () => app.testStreams());

  it('leaves none of its settings', async () => {
    app.add(
      'settings.cjs',
      `const { parseSettings } = require('./dist/src/lib/settings.js');
     const { loadStreams } = require('./dist/src/lib/streams/loadStreams.js');
     loadStreams().then((streams) => parseSettings({ COINCAP_URL: 'no url' }, streams));`,
    );
    const command = app.run('settings.cjs');
    expect(await command.ended).toBe(1);
    expect(command.text()).toContain('- CLICKSTREAM_HUB is missing: expected the name of an event hub.');
    expect(command.text()).not.toContain('COINCAP');
  });

  it('leaves a system that starts and carries clicks, and that has nothing of the stream', {
    timeout: 120_000,
  }, async () => {
    const stack = await app.start('--for', '4s', '--rate', '200');
    expect(await stack.ended).toBe(0);
    expect(stack.text().trim().split('\n').at(-1)).toMatch(
      /^accepted ([1-9][\d,]*) = rows \1 = clicks \1 = warehouse \1$/,
    );
    expect(stack.text()).not.toMatch(/coincap|assets/i);
    const host = readFileSync(`${app.folder}/.local/logs/host.log`, 'utf8');
    expect(host).toContain('ingestClickstream: eventHubTrigger');
    expect(host).not.toMatch(/coincap/i);
  });
});
