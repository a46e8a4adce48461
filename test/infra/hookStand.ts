import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { readLocalSettings } from '../../src/cli/localSettings';

/*
 * The hook that azd runs after it has made the resources, in a folder of its own. In place of az, sqlcmd, curl and npm, scripts write
 * down how they were called.
 */

export const outputs = {
  AZURE_RESOURCE_GROUP: 'rg-one',
  FUNCTION_APP_NAME: 'func-one',
  FUNCTION_APP_HOST: 'func-one.azurewebsites.net',
  IDENTITY_NAME: 'id-one',
  EVENT_HUBS_NAMESPACE: 'one.servicebus.windows.net',
  CONSUMER_GROUP: 'tributary',
  LAKE_BLOB_ENDPOINT: 'https://lakeone.blob.core.windows.net/',
  LAKE_CONTAINER: 'lake',
  HOST_BLOB_ENDPOINT: 'https://hostone.blob.core.windows.net/',
  SERVERLESS_SQL_ENDPOINT: 'one-ondemand.sql.azuresynapse.net',
  WAREHOUSE_KIND: 'none',
  CLICKS_PER_SECOND: '10',
};
export const azureSql = {
  WAREHOUSE_KIND: 'azureSql',
  WAREHOUSE_SERVER: 'sql-one.database.windows.net',
  WAREHOUSE_DATABASE: 'tributary',
};
export const dedicatedPool = {
  ...azureSql,
  WAREHOUSE_KIND: 'dedicatedPool',
  WAREHOUSE_SERVER: 'syn-one.sql.azuresynapse.net',
};

export class HookStand {
  readonly folder = mkdtempSync(join(tmpdir(), 'hook-'));

  constructor() {
    for (const name of ['bin', 'deploy']) mkdirSync(this.path(name));
    cpSync('deploy/hooks', this.path('deploy/hooks'), { recursive: true });
    symlinkSync(join(process.cwd(), 'deploy/sql'), this.path('deploy/sql'));
    for (const tool of ['az', 'npm', 'curl', 'sqlcmd', 'sleep']) this.makeTool(tool);
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** A tool that writes down its arguments, and the script that it should run, and then does what `more` says. */
  makeTool(name: string, more = name === 'curl' ? 'echo 203.0.113.7' : ''): void {
    const text = `#!/bin/sh
echo ${name} "$@" >> '${this.path('calls')}'
for argument in "$@"; do if [ -f "$argument" ]; then cp "$argument" '${this.path(`${name}.input`)}'; fi; done
${more}
`;
    writeFileSync(this.path(`bin/${name}`), text, { mode: 0o755 });
  }

  /** Runs the hook for sh with the outputs of the template. */
  run(more: Record<string, string> = {}) {
    return this.runShell([this.path('deploy/hooks/postprovision.sh')], { ...outputs, ...more });
  }

  runShell(argv: readonly string[], environment: Record<string, string> = {}) {
    return spawnSync('/bin/sh', argv, {
      encoding: 'utf8',
      cwd: this.folder,
      env: { PATH: this.path('bin') + delimiter + process.env.PATH, ...environment },
    });
  }

  /** The settings in a file that the hook wrote. */
  readValues(name: string): Record<string, string> {
    return readLocalSettings(this.path(name));
  }

  /** How tools were called, each as one text. */
  calls(): string[] {
    return existsSync(this.path('calls')) ? readFileSync(this.path('calls'), 'utf8').trim().split('\n') : [];
  }

  end(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
