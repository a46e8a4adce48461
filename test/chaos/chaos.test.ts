import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DeadlineError } from '../../src/lib/deadline';
import { describeFailure, TributaryError } from '../../src/lib/errors';
import { seededRandom } from '../../src/lib/sources/seededRandom';
import { clickstream } from '../../src/lib/streams/clickstream';
import { isRow } from '../../src/lib/streams/stream';
import { runCommand } from '../kit/runCommand';
import { BodyMaker } from './bodies';
import { parseCommandLine, runCommandLine } from './commandLine';
import { findUnexercised } from './exercise';
import { endOfHostLogs, judgeHostLogs, readHostLogs } from './hostLogs';
import { plant, plantedFaults } from './plant';

/** The compiled command, as its users run it. */
async function chaos(...args: string[]): Promise<{ code: unknown; output: string }> {
  const running = runCommand('test/chaos/main.js', args, '.');
  return { code: await running.ended, output: running.text() };
}

describe('npm run chaos', () => {
  it('finds all commits of writers that race', { timeout: 120_000 }, async () => {
    const { code, output } = await chaos('--writers', '3', '--commits', '20');
    expect(output).toContain('the log has 60 commits; DuckDB finds 60 rows, 60 different');
    expect(code).toBe(0);
  });
});

describe('the bodies', () => {
  it('decode to the rows and dead letters that the run expects', () => {
    const maker = new BodyMaker(seededRandom(1));
    for (let i = 0; i < 2000; i++) {
      const { id, body } = maker.make();
      const decoded = clickstream.decode(body).map((element) => (isRow(element) ? 'row' : element.reason));
      expect(decoded).toEqual(maker.fatesOf(id));
    }
  });
});

describe('the logs of the hosts', () => {
  const line = (event: string, more: object) => JSON.stringify({ event, stream: 'clickstream', ...more });
  const failed = (error: Error) => line('batch-failed', describeFailure(error));

  it('give the numbers of loads and trimmed events', () => {
    const rounds = [3, 4].map((duplicates) => line('round', { duplicates, letters: 9 }));
    const logs = judgeHostLogs([...rounds, line('load', { outcome: 'overtaken' }), 'host ready'].join('\n'));
    expect(logs).toEqual({ trimmedEvents: 7, loads: 1, failedBatches: 0, problems: [] });
  });

  it.each([
    new TributaryError('storage.unavailable', 'lake: get a: 5 tries failed.'),
    new TributaryError('delta.contention', 'clicks: 40 commits lost the race.'),
    new Error('connect ECONNREFUSED 127.0.0.1:5672'),
    new Error('The operation was aborted.'),
    new Error('Failed to connect'),
    new DeadlineError(10_000),
  ])('may hold %s', (error) => {
    expect(judgeHostLogs(failed(error))).toMatchObject({ failedBatches: 1, problems: [] });
  });

  it.each(['delta.hole', 'delta.invalid', 'parquet.invalid', 'ingest.gap'] as const)(
    'may hold %s while the lake is an earlier one, and only then',
    (code) => {
      const line = failed(new TributaryError(code, 'clicks: the log is another one.'));
      expect(judgeHostLogs('', line)).toMatchObject({ failedBatches: 1, problems: [] });
      expect(judgeHostLogs(line).problems).toHaveLength(1);
      expect(judgeHostLogs('', failed(new TributaryError('delta.schema', ''))).problems).toHaveLength(1);
    },
  );

  it('are divided at a rollback of the lake and at its repair', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tributary-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const gap = `${failed(new TributaryError('ingest.gap', ''))}\n`;
    const say = (name: string, lines: string) => appendFileSync(join(folder, `${name}.log`), lines);
    say('one', 'ready\n');
    say('two-http', 'ready\nready\n');
    say('broker', `${gap}${gap}`);
    const from = endOfHostLogs(folder);
    say('one', gap);
    const to = endOfHostLogs(folder);
    expect([from, to].map((position) => Object.fromEntries(position))).toEqual([
      { 'one.log': 1, 'two-http.log': 2 },
      { 'one.log': 2, 'two-http.log': 2 },
    ]);
    expect(readHostLogs(folder, [{ from, to }])).toMatchObject({ failedBatches: 1, problems: [] });
    say('two-http', gap);
    expect(readHostLogs(folder, [{ from, to }]).problems).toHaveLength(1);
    say('one', gap);
    expect(readHostLogs(folder, [{ from, to }]).problems[0]).toContain('2 batches failed with ingest.gap');
  });

  it.each([
    ['ingest.gap', new TributaryError('ingest.gap', 'the events 1 to 2 were not read')],
    ['storage.refused', new TributaryError('storage.refused', 'lake: put a: 403.')],
    ['unknown', new TypeError("Cannot read properties of undefined (reading 'txns')")],
  ])('show a batch that failed with %s', (code, error) => {
    const { problems } = judgeHostLogs(`${failed(error)}\n${failed(error)}`);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(`2 batches failed with ${code}, which no injected fault explains`);
  });
});

describe('the command line of a remedy', () => {
  it('is run as package.json says', async () => {
    const { code, output } = await runCommandLine('npm run dead-letters -- --help', {});
    expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('npm run dead-letters') });
    await expect(runCommandLine('npm run mend -- clicks', {})).rejects.toThrow('has no such command');
  });

  it('is one of this project', () => {
    expect(parseCommandLine('npm run table -- repair clicks')).toEqual({
      script: 'table',
      args: ['repair', 'clicks'],
    });
    for (const text of ['rm -r lake', 'npm run', 'npm run table repair clicks'])
      expect(() => parseCommandLine(text)).toThrow('is no command of this project');
  });
});

describe('a run', () => {
  const full = {
    kills: 10,
    movingFreezes: 1,
    remedies: { 'table repair': 1 },
    trimmedEvents: 1,
    forged: 1,
    loads: 1,
    rebuilds: { finished: 1, killed: 1 },
    injected: { delay: 1, late: 1 },
    totals: { one: 1 },
  };

  it('has to meet something of everything when it is long', () => {
    expect(findUnexercised(full)).toEqual([]);
    const nothing = {
      movingFreezes: 0,
      remedies: { 'table repair': 0 },
      trimmedEvents: 0,
      forged: 0,
      loads: 0,
      rebuilds: { finished: 0, killed: 0 },
      injected: { delay: 1, late: 0 },
      totals: { one: 0 },
    };
    const missing = findUnexercised({ kills: 10, ...nothing });
    expect(missing).toHaveLength(9);
    expect(missing[6]).toBe('The run exercised too little: the command table repair mended nothing.');
    expect(missing[7]).toBe('The run exercised too little: no storage request met the fault late.');
    expect(findUnexercised({ kills: 9, ...nothing })).toEqual([]);
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
