import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** Has a process take itself for one of another Node.js. */
const asNode = (version: string) =>
  `data:text/javascript,${encodeURIComponent(
    `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`,
  )}`;

/** Loads the compiled app as a host does, without one. */
const load = (version: string) =>
  spawnSync(process.execPath, ['--import', asNode(version), 'dist/src/index.js'], {
    encoding: 'utf8',
    timeout: 30_000,
  });

describe('the app', () => {
  it.each(['18.20.8', '20.20.2'])('says in one line what to do on Node.js %s', (version) => {
    const { status, stderr } = load(version);
    expect(status).toBe(1);
    const said = stderr.split('\n').filter((line) => line.startsWith('Error: '));
    expect(said).toEqual([
      `Error: Tributary needs Node.js 22 or newer, and this is ${version}: install Node.js 24 and start again; in Azure, set the function app to Node.js 24.`,
    ]);
  });

  it.each(['22.0.0', '24.21.0'])('loads on Node.js %s', (version) => {
    expect(load(version)).toMatchObject({ status: 0 });
  });

  it('loads on every Node.js that package.json allows', () => {
    const { engines } = JSON.parse(readFileSync('package.json', 'utf8'));
    expect(engines).toEqual({ node: '>=22' });
  });
});
