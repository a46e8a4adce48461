import { afterEach, expect, it, vi } from 'vitest';
import { showFiles } from '../../src/cli/showProgress';

const { isTTY } = process.stderr;
afterEach(() => {
  vi.restoreAllMocks();
  process.stderr.isTTY = isTTY;
});

/** What is written to stderr while two of three files are read. */
async function written(isTerminal: boolean): Promise<string> {
  process.stderr.isTTY = isTerminal;
  let text = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((part) => {
    text += part;
    return true;
  });
  const work = showFiles('clicks: file', async (onFile) => {
    for (const done of [1, 2]) onFile(done, 3);
    throw new Error('a file is gone');
  });
  await expect(work).rejects.toThrow('a file is gone');
  return text;
}

it('draws progress in one line of a terminal, and wipes it, also after a failure', async () => {
  expect(await written(true)).toBe('\rclicks: file 1 of 3\u001b[K\rclicks: file 2 of 3\u001b[K\r\u001b[K');
});

it('writes nothing where there is no terminal', async () => {
  expect(await written(false)).toBe('');
});
