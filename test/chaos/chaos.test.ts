import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { seededRandom } from '../../src/lib/sources/seededRandom';
import { clickstream } from '../../src/lib/streams/clickstream';
import { isRow } from '../../src/lib/streams/stream';
import { BodyMaker } from './bodies';
import { plant, plantedFaults } from './plant';

/** The compiled command, as its users run it. */
function chaos(...args: string[]): Promise<{ code: number; output: string }> {
  const child = spawn(process.execPath, [resolve('dist/test/chaos/main.js'), ...args]);
  let output = '';
  const read = (chunk: Buffer) => {
    output += chunk;
  };
  child.stdout.on('data', read);
  child.stderr.on('data', read);
  return new Promise((done) => child.once('close', (code) => done({ code: code ?? -1, output })));
}

describe('npm run chaos', () => {
  it('passes after some kills and faults', { timeout: 240_000 }, async () => {
    const { code, output } = await chaos('--kills', '3', '--seed', '4', '--rate', '500');
    expect(output).toContain('Each event is there once.');
    expect(output).toContain('PASSED');
    expect(code).toBe(0);
  });

  it('finds all commits of writers that race', { timeout: 120_000 }, async () => {
    const { code, output } = await chaos('--writers', '3', '--commits', '20');
    expect(output).toContain('the log has 60 commits; DuckDB finds 60 rows, 60 different');
    expect(code).toBe(0);
  });
});

describe('the bodies', () => {
  it('become what the run expects of them', () => {
    const maker = new BodyMaker(seededRandom(1));
    for (let i = 0; i < 2000; i++) {
      const { id, body } = maker.make();
      const decoded = clickstream.decode(body).map((element) => (isRow(element) ? 'row' : 'letter'));
      expect(decoded).toEqual(maker.fatesOf(id));
    }
  });
});

describe('a planted fault', () => {
  it.each(Object.entries(plantedFaults))('%s finds its place in the compiled code', (_name, fault) => {
    const folder = mkdtempSync(join(tmpdir(), 'tributary-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'file.js');
    writeFileSync(path, readFileSync(resolve(fault.file)));
    plant(path, fault);
    expect(readFileSync(path, 'utf8')).toContain(fault.replacement);
    expect(() => plant(path, fault)).toThrow(/0 times; expected once/);
  });
});
