import { cpSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { openAzureBlobStore } from '../../src/lib/storage/azureBlobStore';
import { LocalStack } from '../kit/localStack';
import { type DoctorOptions, runDoctor } from '../kit/runDoctor';

/*
 * `npm run doctor` beside running apps that really have other functions than this version, or other settings than it is given.
 */

const stack = new LocalStack();

beforeAll(async () => {
  await stack.start();
  const lake = await openAzureBlobStore({ connectionString: stack.settings.LakeStorage ?? '' }, 'lake');
  await lake.put('made', Buffer.from('The container is there.'));
}, 120_000);
afterAll(() => stack.stop());

/** The compiled app in a folder of its own, in which files can be changed. */
function copyApp(): string {
  const folder = mkdtempSync(join(stack.folder, 'app-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  cpSync('dist/src', join(folder, 'dist/src'), { recursive: true });
  for (const file of ['package.json', 'host.json']) cpSync(file, join(folder, file));
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
  return folder;
}

const fileOf = (app: string, name: string) => join(app, 'dist/src/functions', `${name}.js`);

/** Runs the doctor beside a host. */
async function examineBeside(
  settings: Record<string, string>,
  { app, ...options }: DoctorOptions & { readonly app?: string } = {},
) {
  const { url } = await stack.startHost('examined', settings, app);
  try {
    const examined = await runDoctor(stack, { ...options, url });
    const about = examined.text.split('\n').filter((line) => /^\S+ +functions: /.test(line));
    return { ...examined, about, url };
  } finally {
    await stack.stopHost('examined');
  }
}

it('says that an app lists the functions of this version', { timeout: 90_000 }, async () => {
  const { red, about, url } = await examineBeside({});
  expect(red).toEqual([]);
  const files = readdirSync('src/functions').filter((file) => file.endsWith('.ts'));
  expect(about).toEqual([`ok      functions: ${url} lists ${files.length} functions, those of this version`]);
});

it('says that it was not looked at where no app answers', { timeout: 90_000 }, async () => {
  const { red, text, code } = await runDoctor(stack, {});
  expect({ red, code }).toEqual({ red: [], code: 0 });
  expect(text).toMatch(
    /^\? {7}functions: not looked at, because http:\/\/127\.0\.0\.1:1\/admin\/functions does not answer/m,
  );
});

it('turns red for a function whose file the app lacks, and for one of another version', {
  timeout: 90_000,
}, async () => {
  const app = copyApp();
  rmSync(fileOf(app, 'getClicks'));
  const timer = "require('@azure/functions').app.timer('yearly', {schedule: '0 0 0 1 1 *', handler() {}});";
  writeFileSync(fileOf(app, 'yearly'), timer);
  const { red, code, text, url } = await examineBeside({}, { app });
  expect(red).toEqual([
    `functions: ${url} does not list getClicks, and lists yearly, which this version does not have`,
  ]);
  expect(text).toContain('to mend it: end the app');
  expect(code).toBe(1);
});

it('turns red for an app that could not load any file', { timeout: 90_000 }, async () => {
  const app = copyApp();
  rmSync(join(app, 'dist/src'), { recursive: true });
  const { red, url } = await examineBeside({}, { app });
  expect(red).toEqual([`functions: ${url} lists no function`]);
});

it('turns red for a timer that is listed without a key, and for one that is not listed with one', {
  timeout: 120_000,
}, async () => {
  const listed = await examineBeside({}, { changed: { COINCAP_API_KEY: '' } });
  expect(listed.red).toEqual([
    `functions: ${listed.url} lists emitCoincap, which COINCAP_API_KEY of these settings leaves out`,
  ]);
  const missing = await examineBeside({ CLICKS_PER_SECOND: '0' });
  expect(missing.red).toEqual([
    `functions: ${missing.url} does not list emitClickstream, which CLICKS_PER_SECOND of these settings asks for`,
  ]);
});

const disabled = { 'AzureWebJobs.syncWarehouse.Disabled': 'true' };

it('turns red for a function that is disabled in the app alone, or in these settings alone', {
  timeout: 120_000,
}, async () => {
  const there = await examineBeside(disabled);
  expect(there.red).toEqual([
    `functions: ${there.url} has syncWarehouse disabled, and these settings do not disable it`,
  ]);
  expect(there.text).toContain('it is AzureWebJobs.syncWarehouse.Disabled that differs');
  const here = await examineBeside({}, { changed: disabled });
  expect(here.red).toEqual([
    `functions: ${here.url} runs syncWarehouse, which AzureWebJobs.syncWarehouse.Disabled of these settings disables`,
  ]);
});

it('names what both have disabled, and is content', { timeout: 90_000 }, async () => {
  const { red, about } = await examineBeside(disabled, { changed: disabled });
  expect(red).toEqual([]);
  expect(about).toEqual([expect.stringMatching(/^ok .*, those of this version; disabled: syncWarehouse$/)]);
});
