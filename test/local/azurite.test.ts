import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BlobServiceClient } from '@azure/storage-blob';
import { expect, onTestFinished, test } from 'vitest';
import { startAzurite } from '../../local/azurite';

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

test('a busy port is named in one line', { timeout: 60_000 }, async () => {
  const first = await startAzurite();
  onTestFinished(() => first.close());
  await expect(startAzurite({ blobPort: first.blobPort })).rejects.toThrow(
    `Azurite cannot listen on port ${first.blobPort}: the port is in use.`,
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

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
