import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readLocalSettings } from '../../src/cli/localSettings';

let path: string;
beforeAll(() => {
  path = join(mkdtempSync(join(tmpdir(), 'settings-')), 'local.settings.json');
});
afterAll(() => rmSync(join(path, '..'), { recursive: true }));

function read(text: string): Record<string, string> {
  writeFileSync(path, text);
  return readLocalSettings(path);
}

describe('a settings file', () => {
  it('gives its Values, also after a byte order mark', () => {
    const text = '{"IsEncrypted": false, "Values": {"A": "1", "B": ""}}';
    expect(read(text)).toEqual({ A: '1', B: '' });
    expect(read(`\uFEFF${text}`)).toEqual({ A: '1', B: '' });
  });

  it.each([
    ['{"Values": {"Key": "secret"', 'is not JSON'],
    ['{"Values": {"Key": secret}}', 'is not JSON'],
    ['["secret"]', 'must be a JSON object.'],
    ['{"Key": "secret"}', 'has no "Values", as a local.settings.json has.'],
    ['{"Values": "secret"}', ': Values must be a JSON object.'],
    ['{"Values": {"Key": ["secret"]}}', ': Values.Key must be a string.'],
  ])('that reads %s is refused, and the message holds no value', (text, message) => {
    let said = '';
    try {
      read(text);
    } catch (error) {
      said = String(error);
    }
    expect(said).toContain(path);
    expect(said).toContain(message);
    expect(said).not.toContain('secret');
  });

  it('names the line and column at which it is not JSON', () => {
    expect(() => read('{\n  "Values": {"A": "1" "B"}\n}')).toThrow(/ is not JSON \(line 2 column \d+\)\.$/);
  });

  it('must be there', () => {
    expect(() => readLocalSettings('no-such-file.json')).toThrow(
      'The settings file no-such-file.json does not exist.',
    );
  });
});
