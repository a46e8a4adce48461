import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { appDir } from '../../local/project';

/** The settings that disable functions of the app: those whose names satisfy the condition. */
export const disabledFunctions = (condition: (name: string) => boolean): Record<string, string> =>
  Object.fromEntries(
    readdirSync(join(appDir, 'src', 'functions'))
      .filter((file) => file.endsWith('.ts'))
      .map((file) => basename(file, '.ts'))
      .filter(condition)
      .map((name) => [`AzureWebJobs.${name}.Disabled`, 'true']),
  );

/** The settings that disable all functions that send events. */
export const disabledSources = (): Record<string, string> =>
  disabledFunctions((name) => name.startsWith('emit'));
