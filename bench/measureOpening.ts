import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { TableLocation } from '../src/lib/delta/log';
import { MemoryStore } from '../src/lib/storage/memoryStore';

export interface Figures {
  readonly milliseconds: number;
  readonly peakBytes: number;
}

async function readLog(folder: string): Promise<TableLocation> {
  const store = new MemoryStore();
  const log = 'clicks/_delta_log';
  for (const name of readdirSync(join(folder, log)))
    await store.put(`${log}/${name}`, readFileSync(join(folder, log, name)));
  return { store, table: 'clicks' };
}

/** Reads a table's log from a local folder into memory, does the work with it several times, and prints the figures as JSON. */
export async function measureOpening(
  folder: string,
  runs: number,
  work: (at: TableLocation) => Promise<unknown>,
): Promise<void> {
  const times: number[] = [];
  let peakBytes = 0;
  for (let run = 0; run < runs; run++) {
    const at = await readLog(folder);
    const started = performance.now();
    await work(at);
    times.push(performance.now() - started);
    // The peak of the first run is taken, because later runs include garbage of earlier ones that was not collected yet.
    peakBytes ||= process.resourceUsage().maxRSS * 1024;
  }
  const milliseconds = times.toSorted((a, b) => a - b)[runs >> 1] ?? 0;
  const figures: Figures = { milliseconds, peakBytes };
  console.log(JSON.stringify(figures));
}
