import { writeFileSync } from 'node:fs';
import { openExistingLake } from '../lib/app/lake';
import { type ProductsFile, productsPath, readProducts } from '../lib/counts/productsFile';
import { inertInLine } from '../lib/inert';
import { count, quantity } from '../lib/quantity';
import type { LakeSettings } from '../lib/settings';
import { readLakeSettings, settingsFlag } from './appSettings';
import { fileWord, switchFlag } from './commandLine/arguments';
import { action, UsageError } from './commandLine/command';
import { runCommand } from './commandLine/runCommand';
import { readRegularFile, reasonOf } from './givenFile';

/*
 * `npm run products`: the optional products.csv in the lake's container, which gives products their names. It is checked with the
 * app's own reader before it is uploaded.
 */

const file = fileWord('the path of a CSV file');

runCommand({
  call: 'npm run products',
  meaning: 'The names of products, which the API and the dashboard show: products.csv in the lake.',
  subcommands: {
    put: action({
      meaning: 'check a CSV file with the columns productid and name, and upload it',
      words: { file },
      flags: { 'dry-run': switchFlag('only check the file'), ...settingsFlag },
      run: ({ file, settings, 'dry-run': dryRun }) => put(file, settings, dryRun),
    }),
    show: action({
      meaning: 'the names that the app reads now, and the lines that it passes over',
      flags: settingsFlag,
      run: ({ settings }) => show(settings),
    }),
    get: action({
      meaning: 'save the uploaded file as a new local file',
      words: { file },
      flags: settingsFlag,
      run: ({ file, settings }) => get(file, settings),
    }),
  },
});

async function put(file: string, settingsFile: string | undefined, dryRun: boolean): Promise<number> {
  const bytes = readRegularFile(file);
  const products = readProducts(bytes);
  const refusal = refusalOf(products);
  if (refusal !== undefined) {
    console.error(`${file} ${refusal}`);
    if (products.isUtf8) warn(products);
    return 1;
  }
  warn(products);
  const found = `${file} has ${describeCount(products)}`;
  if (dryRun) {
    console.log(`${found}. Nothing was uploaded.`);
    return 0;
  }
  const settings = await readLakeSettings(settingsFile);
  const { store } = await openExistingLake(settings);
  await store.put(productsPath, bytes);
  warnOfMany(products, settings);
  console.log(`${found}. It is ${store.name}/${productsPath} now; the app reads it within half a minute.`);
  return 0;
}

/** Why the app could not use this file; undefined if it can. */
function refusalOf({ names, isUtf8 }: ProductsFile): string | undefined {
  if (!isUtf8) return 'is not in UTF-8: save it as "CSV UTF-8", and try again.';
  if (names.size > 0) return undefined;
  return 'names no product: expected a line like "7,Lamp" for each, with a comma between productid and name.';
}

async function show(settingsFile: string | undefined): Promise<number> {
  const settings = await readLakeSettings(settingsFile);
  const bytes = await download(settings);
  if (!bytes) return 1;
  const products = readProducts(bytes);
  for (const [id, name] of products.names) console.log(`${String(id).padStart(10)}  ${inertInLine(name)}`);
  warn(products);
  if (!products.isUtf8) console.error(`${productsPath} is not in UTF-8, so that some letters are lost.`);
  warnOfMany(products, settings);
  console.log(`${productsPath} has ${describeCount(products)}.`);
  return 0;
}

async function get(file: string, settingsFile: string | undefined): Promise<number> {
  const bytes = await download(await readLakeSettings(settingsFile));
  if (!bytes) return 1;
  try {
    writeFileSync(file, bytes, { flag: 'wx' });
  } catch (error) {
    throw new UsageError(`${file} cannot be written: ${reasonOf(error)}.`);
  }
  console.log(`${file} has ${describeCount(readProducts(bytes))}.`);
  return 0;
}

/** The uploaded file; undefined, after a message, if there is none. */
async function download(settings: LakeSettings): Promise<Uint8Array | undefined> {
  const { store } = await openExistingLake(settings);
  const found = await store.get(productsPath);
  if (!found)
    console.error(`${store.name} has no ${productsPath}: upload one with npm run products -- put FILE.`);
  return found?.bytes;
}

/** How many lines that are not used are named. */
const namedLines = 20;

function warn({ passedOver }: ProductsFile): void {
  for (const { line, reason } of passedOver.slice(0, namedLines))
    console.error(`line ${line} is passed over: ${reason}`);
  if (passedOver.length > namedLines) console.error(`… and ${count(passedOver.length - namedLines)} more`);
}

function warnOfMany({ names }: ProductsFile, { countedProducts }: LakeSettings): void {
  if (names.size > countedProducts)
    console.error(
      `COUNTED_PRODUCTS is ${count(countedProducts)}, so that only as many of these products are counted on their own.`,
    );
}

function describeCount({ names, passedOver }: ProductsFile): string {
  const others =
    passedOver.length === 0 ? '' : `, and ${quantity(passedOver.length, 'line')} that the app passes over`;
  return `names of ${quantity(names.size, 'product')}${others}`;
}
