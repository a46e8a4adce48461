import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startBroker } from '../../local/broker/broker';
import { parseConfig } from '../../local/broker/config';
import { disabledSources } from '../kit/disabledFunctions';
import { LocalStack } from '../kit/localStack';

/*
 * What `npm run package` makes, by itself in a folder elsewhere: nothing of the project beside it.
 */

const folder = mkdtempSync(join(tmpdir(), 'package-'));
let files: ReturnType<typeof unzipSync>;

beforeAll(() => {
  execFileSync(process.execPath, ['deploy/package.mjs'], { stdio: 'inherit' });
  files = unzipSync(readFileSync('.package/tributary.zip'));
  for (const [path, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  }
  return () => rmSync(folder, { recursive: true, force: true });
}, 120_000);

it('has the app, its packages, and nothing else of the project', () => {
  const own = Object.keys(files).filter((path) => !path.startsWith('node_modules/'));
  expect(own.filter((path) => !path.startsWith('dist/src/'))).toEqual([
    'LICENSE',
    'host.json',
    'package-lock.json',
    'package.json',
  ]);
  expect(own.filter((path) => !/\.js(on)?$|^LICENSE$/.test(path))).toEqual([]);
  const functions = readdirSync('src/functions').filter((name) => name.endsWith('.ts'));
  const packed = own
    .filter((path) => /^dist\/src\/functions\/[^/]+$/.test(path))
    .map((path) => basename(path, '.js'));
  expect(packed).toEqual(functions.map((name) => basename(name, '.ts')).sort());
});

it('has no packages of development, nothing that only compilers and people read, and each licence', () => {
  const paths = Object.keys(files).filter((path) => path.startsWith('node_modules/'));
  const { dependencies, devDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
  const has = (name: string) => paths.some((path) => path.startsWith(`node_modules/${name}/`));
  expect(Object.keys(dependencies).filter((name) => !has(name))).toEqual([]);
  // Both @azure/event-hubs and the local broker are made of rhea.
  expect(Object.keys(devDependencies).filter(has)).toEqual(['rhea']);
  expect(paths.filter((path) => /\.(map|ts|md)$/.test(path) && !/licen[sc]e|notice/i.test(path))).toEqual([]);
  expect(paths.filter((path) => /licen[sc]e/i.test(path)).length).toBeGreaterThan(100);
});

it('is the same as the folder beside it, and the same again', () => {
  const read = (path: string) => readFileSync(join('.package/app', path));
  expect(Object.entries(files).filter(([path, bytes]) => !read(path).equals(bytes))).toEqual([]);
  const entries = readdirSync('.package/app', { recursive: true, withFileTypes: true });
  expect(entries.filter((entry) => entry.isFile())).toHaveLength(Object.keys(files).length);
  const first = readFileSync('.package/tributary.zip');
  execFileSync(process.execPath, ['deploy/package.mjs']);
  expect(readFileSync('.package/tributary.zip').equals(first)).toBe(true);
}, 120_000);

it('has the generator, which the command of its container starts', { timeout: 60_000 }, async () => {
  const [command = '', ...args] = JSON.parse(
    /^CMD (.*)$/m.exec(readFileSync('samples/generator/Dockerfile', 'utf8'))?.[1] ?? '[]',
  );
  const Entities = [{ Name: 'clickstream', PartitionCount: 1, ConsumerGroups: [] }];
  const NamespaceConfig = [{ Type: 'EventHub', Name: 'emulatorNs1', Entities }];
  const broker = await startBroker({ port: 0, config: parseConfig({ UserConfig: { NamespaceConfig } }) });
  const child = spawn(command, args, {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      hostName: `127.0.0.1:${broker.port}`,
      sasKeyName: 'send',
      sasKeyValue: 'SAS_KEY_VALUE',
      eventHubName: 'clickstream',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    let out = '';
    child.stdout.on('data', (chunk) => {
      out += chunk;
    });
    const accepted = () => broker.stats().hubs.clickstream?.accepted;
    await expect.poll(accepted, { timeout: 30_000 }).toBeGreaterThan(10);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(out).toBe(`Ended: the hub clickstream acknowledged ${accepted()} clicks.\n`);
  } finally {
    child.kill('SIGKILL');
    await broker.close();
  }
});

it('loads each of its packages', { timeout: 60_000 }, () => {
  const script = `
    const { dependencies } = require('./package.json');
    (async () => {
      for (const name of Object.keys(dependencies)) if (name !== 'uplot') await import(name);
      const { DefaultAzureCredential } = require('@azure/identity');
      new DefaultAzureCredential();
      console.log('all');
    })();`;
  expect(execFileSync(process.execPath, ['-e', script], { cwd: folder, encoding: 'utf8' })).toBe('all\n');
});

it('runs every function of the project, and carries clicks to the API', { timeout: 180_000 }, async () => {
  const stack = new LocalStack();
  await stack.start(disabledSources());
  try {
    // The host lists the functions when it starts; its log is written a moment later.
    const listed = (instance: string) =>
      [...stack.log(instance).matchAll(/(\w+: \w+Trigger)\b/g)].map(([line]) => line).sort();
    await stack.startHost('project');
    await expect
      .poll(() => listed('project'), { timeout: 20_000 })
      .toContain('startMaintenance: timerTrigger');
    await stack.stopHost('project');
    const { url } = await stack.startHost('packed', {}, folder);
    expect(listed('project')).toContain('ingestClickstream: eventHubTrigger');
    await expect.poll(() => listed('packed'), { timeout: 20_000 }).toEqual(listed('project'));
    await stack.sendClicks(90);
    const clicks = async () => ((await (await fetch(`${url}/api/clicks`)).json()) as { total: number }).total;
    await expect.poll(clicks, { timeout: 60_000 }).toBe(90);
    const dashboard = await (await fetch(`${url}/api/dashboard`)).text();
    const scripts = [...dashboard.matchAll(/(?:src|href)="([^":]+\.(?:js|css))"/g)].map(([, path]) => path);
    expect(scripts.length).toBeGreaterThan(1);
    for (const path of scripts)
      expect((await fetch(new URL(path ?? '', `${url}/api/dashboard`))).status).toBe(200);
  } finally {
    await stack.stop();
  }
});

afterAll(() => rmSync('.package', { recursive: true, force: true }));
