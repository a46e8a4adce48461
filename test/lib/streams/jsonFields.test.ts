import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';

/** What the compiler says of fields with these types and readers. A field is written on one line, whose number is in the message. */
function compile(fields: readonly (readonly [type: string, reader: string])[]) {
  const folder = mkdtempSync(join(tmpdir(), 'fields-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const lines = fields.map(
    ([type, reader]) =>
      `  { name: 'x', from: 'x', type: '${type}', nullable: true, read: readers.${reader} },\n`,
  );
  const module = JSON.stringify(resolve('src/lib/streams/jsonFields'));
  const list = `export const fields: readonly readers.JsonField[] = [\n${lines.join('')}];\n`;
  writeFileSync(join(folder, 'stream.ts'), `import * as readers from ${module};\n${list}`);
  const config = {
    extends: resolve('tsconfig.json'),
    compilerOptions: { rootDir: '/', typeRoots: [resolve('node_modules/@types')] },
    include: ['stream.ts'],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const compiler = resolve('node_modules/typescript/bin/tsc');
  const { stdout } = spawnSync(process.execPath, [compiler, '-p', folder], { encoding: 'utf8' });
  return { stdout, lines: [...stdout.matchAll(/^\S*stream\.ts\((\d+),/gm)].map(([, line]) => Number(line)) };
}

it('have the compiler refuse a reader whose values the column does not take', { timeout: 60_000 }, () => {
  const wrong = [
    ['long', 'doubleTextField'],
    ['string', 'integerField'],
    ['double', 'longField'],
    ['timestamp', 'longField'],
    ['date', 'isoTimestampField'],
    ['long', 'epochMillisField'],
    ['boolean', 'stringField'],
  ] as const;
  const { stdout, lines } = compile(wrong);
  expect(lines).toEqual(wrong.map((_, index) => index + 3));
  expect(stdout).toContain(
    `Type 'FieldReader<"double" | "float">' is not assignable to type 'FieldReader<"long">'.`,
  );
  const right = [
    ['long', 'longTextField'],
    ['long', 'integerField'],
    ['integer', 'longTextField'],
    ['short', 'integerField'],
    ['double', 'integerField'],
    ['float', 'doubleTextField'],
    ['string', 'stringField'],
    ['timestamp', 'epochMillisField'],
  ] as const;
  expect(compile(right).stdout).toBe('');
});
