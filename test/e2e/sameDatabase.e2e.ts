import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TdsServer } from '../kit/tds/tdsServer';

/*
 * The contract of all warehouses is run against one database again and again, in random order, on connections that are kept. The
 * database is told by SYNAPSE_TEST_CONNECTION, as a real one would be.
 */

const tests = ['contract', 'ledgerMarks', 'newColumns', 'check/checkTable'].map(
  (name) => `test/lib/warehouse/${name}.test.ts`,
);

describe.each(['server', 'pool'] as const)('a database of the dialect %s', (dialect) => {
  let server: TdsServer;
  beforeEach(async () => {
    server = await TdsServer.start({ dialect, noCount: dialect === 'server' });
    server.keepBatches = false;
  });
  afterEach(() => server.close());

  /** Runs the contract. @param killAt the number of the batch at which the run is killed */
  async function runContract(killAt = Number.POSITIVE_INFINITY): Promise<{ end: unknown; output: string }> {
    const args = [
      resolve('node_modules/vitest/vitest.mjs'),
      'run',
      ...tests,
      '-t',
      'SYNAPSE_TEST_CONNECTION',
    ];
    const child = spawn(process.execPath, args, {
      env: { ...process.env, SYNAPSE_TEST_CONNECTION: server.connectionString, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, so that its workers can be killed with it.
      detached: true,
    });
    let batches = 0;
    server.onBatch = () => {
      if (++batches === killAt) process.kill(-(child.pid ?? 0), 'SIGKILL');
    };
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        output += chunk;
      });
    const end = await new Promise((done) => child.once('close', (code, signal) => done(code ?? signal)));
    return { end, output };
  }

  it('passes the contract twice in a row, also after a run that was killed', async () => {
    expect((await runContract(150)).end).toBe('SIGKILL');
    for (let time = 0; time < 2; time++) {
      const { end, output } = await runContract();
      expect(end, output).toBe(0);
      expect(output).toMatch(/Tests +[4-9]\d passed/);
    }
  });
});
