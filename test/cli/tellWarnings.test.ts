import { expect, it, vi } from 'vitest';
import { tellWarnings } from '../../src/cli/commandLine/tellWarnings';

it('tells warnings and errors in words, each once and inert, and no figures', () => {
  const lines: string[] = [];
  const spy = vi.spyOn(console, 'error').mockImplementation((line: string) => void lines.push(line));
  const tell = tellWarnings();
  const away = { stream: 'clickstream', code: 'storage.unavailable', message: 'No\nanswer.' };
  tell({ level: 'information', event: 'load', fields: { rows: 3 } });
  tell({ level: 'error', event: 'counts-not-saved', fields: away });
  tell({ level: 'error', event: 'counts-not-saved', fields: away });
  tell({ level: 'warning', event: 'counts-problem', fields: {} });
  spy.mockRestore();
  expect(lines).toEqual([
    'clickstream: No\\nanswer (storage.unavailable, see docs/errors.md).',
    'counts problem',
  ]);
});
