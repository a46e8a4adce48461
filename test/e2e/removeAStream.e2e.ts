import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppCopy, testsOfStreams } from './appCopy';

/*
 * Follows docs/add-a-stream.md exactly: deletes the files that it lists for CoinCap from a copy of the project, and nothing else.
 */

/** The paths that the guide lists under a heading. */
function listed(heading: string): string[] {
  const [, rest = ''] = readFileSync('docs/add-a-stream.md', 'utf8').split(`\n${heading}\n`);
  const [section = ''] = rest.split(/^#/m);
  return [...section.matchAll(/^- `([^`]+)`$/gm)].map(([, path = '']) => path);
}

/** The tests of commands that show several streams. The tests of the other commands take minutes, and use the clickstream alone. */
const ofSeveralStreams = ['emptyLake', 'query', 'table', 'warehouse'].map(
  (name) => `test/cli/${name}.test.ts`,
);

let app: AppCopy;

describe.skipIf(!existsSync('src/lib/streams/coincap.ts'))('removing CoinCap', () => {
  beforeAll(() => {
    app = new AppCopy();
    const paths = listed('## Remove a stream');
    expect(paths).toEqual([
      'src/lib/streams/coincap.ts',
      'src/functions/ingestCoincap.ts',
      'test/lib/streams/coincap.test.ts',
      'test/functions/getAssets.test.ts',
    ]);
    for (const path of paths) app.remove(path);
  }, 60_000);

  afterAll(() => app?.delete(), 60_000);

  it('leaves a project that builds, tests included', { timeout: 120_000 }, async () => {
    await app.build();
    // Nothing is linted: no file was changed, and the linter judges each file by itself.
    await app.checkTypes();
  });

  it('leaves tests that pass, those of its source included', { timeout: 1_800_000 }, () =>
    app.test(...testsOfStreams, ...ofSeveralStreams, 'test/lib/sources', 'test/local/coincap'),
  );

  it('leaves none of its settings', async () => {
    app.add(
      'settings.cjs',
      `const { parseSettings } = require('./dist/src/lib/settings.js');
     const { loadStreams } = require('./dist/src/lib/streams/loadStreams.js');
     loadStreams().then((streams) => parseSettings({ COINCAP_URL: 'no url' }, streams));`,
    );
    const command = app.run('settings.cjs');
    expect(await command.ended).toBe(1);
    expect(command.text()).toContain('- CLICKSTREAM_HUB is missing: expected the name of an event hub, ');
    expect(command.text()).not.toContain('COINCAP');
  });

  it('leaves commands that do not offer it', async () => {
    for (const file of ['dist/local/start.js', 'dist/local/emulators.js', 'dist/src/cli/verify.js']) {
      const usage = app.run(file, '--help');
      expect(await usage.ended).toBe(0);
      expect(usage.text()).toContain('--help');
      expect(usage.text()).not.toMatch(/coincap/i);
    }
  });

  it(
    'leaves a system that starts and carries clicks, and that has nothing of the stream',
    {
      timeout: 120_000,
    },
    () => expectOnlyClicks(),
  );

  it('lets its source be removed as well', { timeout: 600_000 }, async () => {
    for (const path of listed('### Remove its source too')) app.remove(path);
    const ofCommand = /^ *"coincap": .*\n/m;
    const scripts = app.read('package.json');
    expect(scripts).toMatch(ofCommand);
    app.add('package.json', scripts.replace(ofCommand, ''));
    await app.build();
    await app.checkTypes();
    // The other tests of streams passed without the stream, and use nothing of its source.
    const ofCommands = ['appSettings', 'commandLine', 'everyCommand'].map(
      (name) => `test/cli/${name}.test.ts`,
    );
    await app.test(
      'test/docs',
      'test/house',
      'test/functions/registration.test.ts',
      'test/lib/streams',
      ...ofCommands,
    );
    await expectOnlyClicks();
  });
});

/** Starts the system, with settings that name CoinCap as the sample does, and expects that it knows nothing of CoinCap. */
async function expectOnlyClicks(): Promise<void> {
  const stack = await app.start('--for', '4s', '--rate', '200', '--reset');
  expect(await stack.ended).toBe(0);
  expect(stack.text().trim().split('\n').at(-1)).toMatch(
    /^accepted ([1-9][\d,]*) = rows \1 = clicks \1 = warehouse \1$/,
  );
  expect(stack.text()).not.toMatch(/coincap|assets/i);
  const host = readFileSync(`${app.folder}/.local/logs/host.log`, 'utf8');
  expect(host).toContain('ingestClickstream: eventHubTrigger');
  expect(host).toContain('emitClickstream: timerTrigger');
  expect(host).not.toMatch(/coincap/i);
}

describe.skipIf(!existsSync('src/lib/streams/coincap.ts'))('removing the clickstream', () => {
  let other: AppCopy;
  beforeAll(() => {
    other = new AppCopy();
    const files = ['src/lib/streams/clickstream.ts', 'src/functions/ingestClickstream.ts'];
    const measures = ['bench/', 'test/chaos/', 'test/mutants/'];
    const source = ['src/functions/emitClickstream.ts', 'src/lib/app/emitClicks.ts'];
    const guide = readFileSync('docs/add-a-stream.md', 'utf8');
    for (const path of [...files, ...measures, ...source]) {
      expect(guide).toContain(`\`${path}\``);
      other.remove(path);
    }
  }, 60_000);
  afterAll(() => other?.delete(), 60_000);

  it('leaves a product that builds, starts, carries assets, and says that it counts no clicks', {
    timeout: 240_000,
  }, async () => {
    await other.build();
    const stack = await other.start('--for', '20s', '--reset');
    const [url = ''] = stack.text().match(/http:\/\/[\d.:]+\/api/) ?? [];
    const answer = await fetch(`${url}/clicks`);
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ detail: expect.stringContaining('clickstream') });
    expect(await stack.ended).toBe(0);
    expect(stack.text().trim().split('\n').at(-1)).toMatch(
      /^assets: accepted ([1-9][\d,]*) = rows \1 = warehouse \1$/,
    );
    const host = readFileSync(`${other.folder}/.local/logs/host.log`, 'utf8');
    expect(host).toContain('ingestCoincap: eventHubTrigger');
    expect(host).not.toContain('Clickstream');
  });
});
