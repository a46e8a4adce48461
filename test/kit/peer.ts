import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { appDir } from '../../local/processes';
import { partOf } from '../../src/lib/connectionParts';

/** The Python of an environment that a command makes, by default `npm run test:interop`. */
export const pythonOf = (environment = 'interop-venv') =>
  join(
    appDir,
    'node_modules/.cache',
    environment,
    process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python',
  );

/** Whether the environment exists that `npm run test:interop` creates. */
export const hasPython = () => existsSync(pythonOf());

/** A column of a table for the peer: name and Delta type. */
export type PeerSchema = readonly (readonly [name: string, type: string])[];

/** Python software in its own process, by default deltalake. It answers requests one after the other. */
export class Peer {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #waiting: { resolve(result: unknown): void; reject(error: Error): void }[] = [];
  #stderr = '';

  /**
   * @param script a Python file of the project that answers as peer.py does
   * @param environment the folder of its Python environment in node_modules/.cache
   */
  constructor(script = 'test/kit/peer.py', environment = 'interop-venv') {
    this.#child = spawn(pythonOf(environment), [join(appDir, script)], {
      stdio: 'pipe',
      env: { ...process.env, PYTHONIOENCODING: 'utf-8', PYTHONPATH: join(appDir, 'test/kit') },
    });
    this.#child.stderr.on('data', (chunk: Buffer) => {
      this.#stderr = `${this.#stderr}${chunk}`.slice(-4000);
    });
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#settle(JSON.parse(line)));
    const fail = (why: string) => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error(`The peer ${why}\n${this.#stderr}`));
    };
    this.#child.once('error', (error) => fail(`cannot be started: ${error.message}`));
    this.#child.once('close', (code) => fail(`ended with ${code}.`));
  }

  /** Calls a method of peer.py's class. Rejects with the Python error's text. */
  call<T = void>(method: string, args: Readonly<Record<string, unknown>> = {}): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ resolve: (result) => resolve(result as T), reject });
      this.#child.stdin.write(`${JSON.stringify({ call: method, arguments: args })}\n`);
    });
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const closed = once(this.#child, 'close');
    this.#child.stdin.end();
    await closed;
  }

  #settle(answer: { result?: unknown; error?: string }): void {
    const { resolve, reject } = this.#waiting.shift() ?? {};
    if (answer.error !== undefined) reject?.(new Error(answer.error));
    else resolve?.(answer.result);
  }
}

/**
 * The options with which delta-rs reaches an account. azure_storage_use_emulator is not used, because it only supports the default port.
 */
export function storageOptions(connectionString: string): Record<string, string> {
  const part = (name: string) => partOf(connectionString, name) ?? '';
  return {
    azure_storage_account_name: part('AccountName'),
    azure_storage_account_key: part('AccountKey'),
    azure_storage_endpoint: part('BlobEndpoint'),
    azure_allow_http: 'true',
  };
}
