import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { openLog } from '../../local/logFile';

it.runIf(existsSync('/dev/full'))('a log on a full disk is told once, and ends nothing', async () => {
  const lines: string[] = [];
  const spy = vi.spyOn(console, 'error').mockImplementation((line: string) => void lines.push(line));
  const log = openLog('/dev/full');
  for (let times = 0; times < 3; times++) {
    log.write('line\n');
    await sleep(50);
  }
  log.end();
  await sleep(50);
  spy.mockRestore();
  expect(lines).toEqual(['/dev/full cannot be written: no space is left on the disk.']);
});
