import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { BlobServiceClient } from '@azure/storage-blob';
import { expect, onTestFinished, test } from 'vitest';
import { startAzurite } from '../../local/azurite';
import { isAlive } from '../../local/isAlive';

function makeDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'azurite-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

test('data in a folder survive a restart, and all three services answer', { timeout: 60_000 }, async () => {
  const dataDir = makeDir();
  const first = await startAzurite({ dataDir });
  const container = BlobServiceClient.fromConnectionString(first.connectionString).getContainerClient('kept');
  await container.create();
  await container.getBlockBlobClient('a').upload('text', 4);
  await first.close();

  const second = await startAzurite({ dataDir, queuePort: 0, tablePort: 0 });
  onTestFinished(() => second.close());
  const again = BlobServiceClient.fromConnectionString(second.connectionString).getContainerClient('kept');
  expect((await again.getBlockBlobClient('a').downloadToBuffer()).toString()).toBe('text');
  expect(new Set([second.blobPort, second.queuePort, second.tablePort]).size).toBe(3);
  expect(second.connectionString).toContain(
    `QueueEndpoint=http://127.0.0.1:${second.queuePort}/devstoreaccount1;`,
  );
});

test('a page of another site, or of a name that was pointed here, is refused by all three services', {
  timeout: 60_000,
}, async () => {
  const azurite = await startAzurite({ queuePort: 0, tablePort: 0 });
  onTestFinished(() => azurite.close());
  const refusal = /another site|The Host header/;
  for (const port of [azurite.blobPort, azurite.queuePort, azurite.tablePort]) {
    const here = `127.0.0.1:${port}`;
    const rebound = `devstoreaccount1.evil.example.com:${port}`;
    expect(await answerTo(port, { host: here, origin: 'https://evil.example.com' })).toContain(
      'another site',
    );
    expect(await answerTo(port, { host: rebound })).toContain('The Host header must be');
    // Azurite itself answers a program, and a page of this machine.
    expect(await answerTo(port, { host: here })).not.toMatch(refusal);
    expect(await answerTo(port, { host: here, origin: `http://${here}` })).not.toMatch(refusal);
  }
});

/** The body of the answer to a GET; fetch would not send these headers. */
const answerTo = (port = 0, headers: Record<string, string>): Promise<string> =>
  new Promise((done, failed) => {
    get({ host: '127.0.0.1', port, path: '/devstoreaccount1/name?comp=list', headers }, (answer) =>
      text(answer).then(done, failed),
    ).on('error', failed);
  });

test('a busy port is named in one line, with the option that chooses another', {
  timeout: 60_000,
}, async () => {
  const first = await startAzurite();
  onTestFinished(() => first.close());
  await expect(startAzurite({ blobPort: first.blobPort })).rejects.toThrow(
    `Port ${first.blobPort} on 127.0.0.1 is in use: choose another with --blob-port.`,
  );
});

test('Azurite ends when its parent is killed', { timeout: 60_000 }, async () => {
  const script = `require(${JSON.stringify(join(__dirname, '../../dist/local/azurite.js'))}).startAzurite().then((a) => console.log(a.pid))`;
  const parent = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const pid = await new Promise<number>((resolve) =>
    parent.stdout.once('data', (chunk: Buffer) => resolve(Number(chunk))),
  );
  parent.kill('SIGKILL');
  await expect.poll(() => isAlive(pid), { timeout: 15_000 }).toBe(false);
});
