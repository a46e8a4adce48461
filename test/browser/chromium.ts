import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];

/** A Chromium on this machine: CHROMIUM_PATH, or the first one on PATH. */
export function findChromium(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const { CHROMIUM_PATH, PATH = '' } = environment;
  if (CHROMIUM_PATH) return CHROMIUM_PATH;
  const candidates = PATH.split(delimiter).flatMap((folder) => names.map((name) => join(folder, name)));
  return candidates.find(isExecutable);
}

/** The browser for tests. Throws if REQUIRE_BROWSER=1 is set and there is no browser. */
export function browserForTests(what: string): string | undefined {
  const found = findChromium();
  if (found) return found;
  const missing = 'no Chromium on PATH, and CHROMIUM_PATH is not set';
  if (process.env.REQUIRE_BROWSER === '1') throw new Error(`${what} cannot run: ${missing}.`);
  process.stderr.write(`${what} did not run: ${missing}.\n`);
  return undefined;
}

/** Without a sandbox, because containers do not support it, and without requests to the browser's vendor. */
export const chromiumArguments = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
