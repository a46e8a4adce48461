import { execFileSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { endCommand, type RunningCommand, spawnCommand } from '../kit/runCommand';

/*
 * The commands of README.md and the other documents, in a fresh clone, beside one `npm start`: each must do what its document says.
 * Commands for Azure have a placeholder in capitals, such as NAME.
 */

/** Commands that are not run here, and why. */
const elsewhere: readonly (readonly [RegExp, string])[] = [
  [/^npm start/, 'runs while the others do; its options: start.e2e.ts'],
  [/^npm (ci|test|run build)\b/, 'the project is installed and built here, and this is one of its tests'],
  [/^npm run (emulators|test:\w+|chaos|mutants|bench|package|doctor)\b/, 'has tests of its own'],
  [/^npm run check:infra\b/, 'checkTemplate.test.ts'],
  [/^npm run query$/, 'asks for statements at a terminal'],
  [/^npm run coincap -- --every/, 'goes on until Ctrl-C'],
  [/^npm run clicks -- --watch/, 'goes on until Ctrl-C'],
  [/^npm run warehouse -- (init|script)/, 'are for SQL databases'],
  [/^npm run (verify|warehouse) .*(orders|shop)/, 'the stream of add-a-stream.md: addAStream.e2e.ts'],
];

/** Commands that their documents say to end with another exit code than 0, in the state in which they are run here. */
const refused: readonly (readonly [RegExp, number, RegExp])[] = [
  [/^npm run checkpoints -- (reset|skip)/, 1, /app|Stop/],
  [/^npm run query -- .* --version 812/, 1, /812/],
  [/^npm run dead-letters -- show/, 1, /has no (?:dead letter|table dead_letters)/],
  [/^npm run products -- get names.csv/, 2, /names.csv/],
];

const hasPlaceholder = (command: string) => /\b[A-Z]{3,}\b/.test(command.replace(/--[\w-]+/g, ''));

/** The commands in the indented blocks of a document, without remarks and optional parts. */
const commandsIn = (path: string): string[] =>
  [...readFileSync(path, 'utf8').matchAll(/^ {4}(npm (?:run |start|ci|test).*)$/gm)].map(([, line = '']) =>
    line
      .replace(/\s+#.*$/, '')
      .replace(/ \[.*?\]/g, '')
      .trim(),
  );

const documents = ['README.md', ...globSync('docs/*.md').sort()];
const commands = [...new Set(documents.flatMap(commandsIn))].filter((command) => !hasPlaceholder(command));
const isElsewhere = (command: string) => elsewhere.some(([pattern]) => pattern.test(command));
const run = commands.filter((command) => !isElsewhere(command));

let clone: string;
let stack: RunningCommand | undefined;
let app: string;

beforeAll(async () => {
  clone = mkdtempSync(join(tmpdir(), 'tributary-'));
  execFileSync('git', ['clone', '--quiet', '--no-hardlinks', '.', clone]);
  const ports = ['--port', '--broker-port', '--health-port', '--blob-port', '--coincap-port'];
  stack = spawnCommand(
    'npm',
    ['start', '--', '--rate', '1000', ...ports.flatMap((port) => [port, '0'])],
    clone,
  );
  await stack.until(/ in the warehouse/);
  app = /(http:\S+)\/api\/dashboard/.exec(stack.text())?.[1] ?? '';
  // The event that the documents trace is the thousandth of its partition.
  while ((await type('npm run trace -- clickstream 2 1041')).code !== 0) await sleep(1000);
  writeFileSync(join(clone, 'names.csv'), 'productid,name\n1,Boots\n');
}, 900_000);

afterAll(async () => {
  await endCommand(stack);
  rmSync(clone, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 });
});

/** Runs a command in the clone as a user does who types it. The app's address is another one here than in the documents. */
async function type(
  command: string,
): Promise<{ readonly code: number | NodeJS.Signals; readonly text: string }> {
  const asksApp = /^npm run (clicks|maintain|warehouse -- rebuild)\b/.test(command);
  const elsewhereToo = / --(here|dry-run)\b/.test(command);
  const flags = asksApp && !elsewhereToo ? `${command.includes(' -- ') ? '' : ' --'} --url ${app}` : '';
  const typed = spawnCommand('sh', ['-c', command + flags], clone);
  const code = await typed.ended;
  return { code, text: typed.text() };
}

it('are those that this test knows', () => {
  expect(run.length).toBeGreaterThan(30);
  const unused = elsewhere.filter(([pattern]) => !commands.some((command) => pattern.test(command)));
  expect(unused).toEqual([]);
});

it.each(run)('%s', { timeout: 300_000 }, async (command) => {
  const { code, text } = await type(command);
  const [, expected = 0, message = /^(?![\s\S]*\n {4}at )/] =
    refused.find(([pattern]) => pattern.test(command)) ?? [];
  expect({ code, text }).toEqual({ code: expected, text: expect.stringMatching(message) });
});
