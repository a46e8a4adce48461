import { afterEach, expect, it, vi } from 'vitest';
import { showFiles } from '../../src/cli/longTask';

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

it('writes nothing of short work where there is no terminal', async () => {
  expect(await written(false)).toBe('');
});

it('tells every half minute how far long work is where there is no terminal', async () => {
  process.stderr.isTTY = false;
  vi.useFakeTimers();
  const lines: string[] = [];
  vi.spyOn(console, 'error').mockImplementation((line: string) => void lines.push(line));
  let end: () => void = () => undefined;
  let report: (done: number, total: number) => void = () => undefined;
  const work = showFiles('clicks: file', (onFile) => {
    report = onFile;
    return new Promise<void>((done) => {
      end = done;
    });
  });
  for (const [done, ms] of [
    [1, 29_000],
    [2, 1000],
    [3, 29_999],
  ] as const) {
    report(done, 9);
    await vi.advanceTimersByTimeAsync(ms);
  }
  expect(lines).toEqual(['clicks: file 2 of 9 …']);
  await vi.advanceTimersByTimeAsync(1);
  end();
  await work;
  await vi.advanceTimersByTimeAsync(60_000);
  vi.useRealTimers();
  expect(lines).toEqual(['clicks: file 2 of 9 …', 'clicks: file 3 of 9 …']);
});
