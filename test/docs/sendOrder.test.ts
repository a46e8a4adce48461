import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';

it('sendOrder.mjs of the guide says what to start where nothing runs', () => {
  const guide = readFileSync('docs/add-a-stream.md', 'utf8');
  const script = /`sendOrder\.mjs`\n[\s\S]*?```js\n([\s\S]*?)```/.exec(guide)?.[1] ?? '';
  const folder = mkdtempSync(join(tmpdir(), 'send-order-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'sendOrder.mjs'), script);
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'), 'junction');
  const { status, stderr } = spawnSync(process.execPath, ['sendOrder.mjs'], {
    cwd: folder,
    encoding: 'utf8',
  });
  expect([status, stderr]).toEqual([
    1,
    'There is no .local/settings.json in this folder: start "npm start" here, and try again while it runs.\n',
  ]);
});
