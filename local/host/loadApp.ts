import { existsSync, globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseJsonObject } from '../../src/lib/jsonObject';
import type { FunctionsCore } from './functionsCore';
import type { Log } from './log';

/** Facts about the loaded app besides its functions. */
export interface LoadedApp {
  /** The address to which streamed HTTP requests are sent; undefined if the app has not switched streaming on. */
  httpProxy: URL | undefined;
}

/**
 * Loads the compiled app: first every file that `main` of its package.json names (a path or a glob), then the appStart hooks. After
 * that, no function can be registered. Throws what a file of the app throws. As in the real host, a `main` that matches no file is
 * only a warning.
 */
export async function loadApp(dir: string, core: FunctionsCore, log: Log): Promise<LoadedApp> {
  const packagePath = join(dir, 'package.json');
  if (!existsSync(packagePath)) {
    throw new Error(`${packagePath} does not exist: --app must name the folder of a Functions app.`);
  }
  const { main } = parseJsonObject(readFileSync(packagePath, 'utf8'), packagePath);
  if (typeof main !== 'string') throw new Error(`${packagePath}: "main" must name the files of the app.`);
  core.install();
  const files = globSync(main, { cwd: dir }).sort();
  if (files.length === 0) log('warning', 'host', `"main" in package.json matches no file: ${main}`);
  for (const file of files) {
    const path = resolve(dir, file);
    try {
      if (path.endsWith('.mjs')) await import(pathToFileURL(path).href);
      else require(path);
    } catch (error) {
      throw new Error(`${file} cannot be loaded.`, { cause: error });
    }
  }
  await core.runHooks('appStart', { hookData: {}, appHookData: core.appHookData });
  const capabilities = (await core.model?.getCapabilities({})) ?? {};
  core.locked = true;
  if (core.functions.size === 0) log('warning', 'host', 'No functions found.');
  return { httpProxy: capabilities.HttpUri === undefined ? undefined : new URL(capabilities.HttpUri) };
}
