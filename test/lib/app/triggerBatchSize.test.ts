import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { maxTriggerBatch } from '../../../src/lib/app/triggerBatchSize';

const override = { AzureFunctionsJobHost__extensions__eventHubs__maxEventBatchSize: '10000' };

/** A folder within an app with this host.json. */
function folderOf(hostJson: unknown): string {
  const root = mkdtempSync(join(tmpdir(), 'app-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  writeFileSync(join(root, 'host.json'), JSON.stringify(hostJson));
  const folder = join(root, 'dist/src/lib');
  mkdirSync(folder, { recursive: true });
  return folder;
}

const withSize = (maxEventBatchSize: unknown) => ({ extensions: { eventHubs: { maxEventBatchSize } } });

it.each([
  [withSize(4000), {}, 4000],
  [withSize(4000), override, 10_000],
  [withSize(4000), { azurefunctionsjobhost__EXTENSIONS__eventhubs__maxeventbatchsize: '500' }, 500],
  [{ version: '2.0' }, {}, 100],
  [withSize('many'), {}, Number.POSITIVE_INFINITY],
])('the largest batch by host.json %j and the settings %j is %d', (hostJson, env, size) => {
  expect(maxTriggerBatch(folderOf(hostJson), env)).toBe(size);
});

it('is not known where there is no host.json', () => {
  expect(maxTriggerBatch(tmpdir(), {})).toBe(Number.POSITIVE_INFINITY);
  expect(maxTriggerBatch(tmpdir(), override)).toBe(10_000);
});
