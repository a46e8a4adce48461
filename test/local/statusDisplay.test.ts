import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { openDisplay } from '../../local/statusDisplay';

/** What a terminal shows of the output; it knows the escape sequences that move up and that erase downwards. */
function screenOf(output: string): string[] {
  const rows = [''];
  let row = 0;
  const readable = output.replaceAll('\u001b[', '<').replace(/<(\d+A|J)/g, '<$1>');
  for (const [part, lines] of readable.matchAll(/<(?:(\d+)A|J)>|\r|\n|[^\r\n<]+/g)) {
    if (lines !== undefined) row -= Number(lines);
    else if (part === '\n') row++;
    else if (part === '<J>') rows.length = row;
    else if (part !== '\r') rows[row] = part;
  }
  return rows;
}

function openOn(stream: { readonly isTTY: boolean; readonly columns?: number }) {
  const output = new PassThrough();
  const display = openDisplay(Object.assign(output, stream) as unknown as NodeJS.WriteStream);
  return { display, output: () => String(output.read() ?? '') };
}

it('draws in place on a terminal', () => {
  const { display, output } = openOn({ isTTY: true, columns: 80 });
  display.print('Ctrl-C ends it.');
  display.show({ figures: ['clicks 1', 'assets 1'], notes: ['clicks stands still.'] });
  display.show({ figures: ['clicks 2', 'assets 1'], notes: [] });
  expect(screenOf(output())).toEqual(['Ctrl-C ends it.', 'clicks 2', 'assets 1']);
});

it('prints what stays in the place of the status, and draws the next one below', () => {
  const { display, output } = openOn({ isTTY: true, columns: 80 });
  display.show({ figures: ['clicks 1'], notes: [] });
  display.print('Ending');
  display.show({ figures: ['clicks 2'], notes: [] });
  display.show({ figures: ['clicks 3'], notes: [] });
  expect(screenOf(output())).toEqual(['Ending', 'clicks 3']);
});

it('breaks lines that are wider than the terminal, and knows how many rows they took', () => {
  const { display, output } = openOn({ isTTY: true, columns: 25 });
  const long = 'clicks 1,204 emitted, 1,101 ingested, https://a.place.without.any.space.com/ here';
  display.show({ figures: [long], notes: [] });
  display.show({ figures: [long], notes: ['end'] });
  const rows = screenOf(output());
  expect(rows.every((row) => row.length < 25)).toBe(true);
  expect(rows[0]).toBe('clicks 1,204 emitted,');
  expect(
    rows
      .map((row) => row.trim())
      .join(' ')
      .replaceAll(' ', ''),
  ).toBe(`${long} end`.replaceAll(' ', ''));
});

it('takes a terminal that does not know its size for one of 80 columns', () => {
  const { display, output } = openOn({ isTTY: true, columns: 0 });
  const long = `clicks ${'1,204 '.repeat(11)}.`;
  display.show({ figures: [long], notes: [] });
  expect(screenOf(output())).toEqual([long]);
});

it('prints each change as a line where there is no terminal, and a sentence once', () => {
  const { display, output } = openOn({ isTTY: false });
  display.show({ figures: ['clicks 1', 'assets 1'], notes: [] });
  display.show({ figures: ['clicks 1', 'assets 1'], notes: [] });
  display.show({ figures: ['clicks 2', 'assets 1'], notes: ['clicks stands still.'] });
  display.show({ figures: ['clicks 3', 'assets 1'], notes: ['clicks stands still.'] });
  expect(output().split('\n')).toEqual([
    'clicks 1 · assets 1',
    'clicks 2 · assets 1',
    'clicks stands still.',
    'clicks 3 · assets 1',
    '',
  ]);
});

it.each([true, false])('lets no text control the terminal (on a terminal: %s)', (isTTY) => {
  const { display, output } = openOn({ isTTY, columns: 80 });
  display.show({ figures: ['clicks 1'], notes: ['storage says \u001b[2Jnothing'] });
  display.print('\u001b]0;mine\u0007');
  const written = output();
  for (const control of ['\u001b[2J', '\u001b]', '\u0007']) expect(written).not.toContain(control);
});
