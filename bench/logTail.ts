import { setTimeout as sleep } from 'node:timers/promises';
import type { Add } from '../src/lib/delta/actions';
import { readCommit, type TableLocation } from '../src/lib/delta/log';
import { openState } from '../src/lib/delta/openTable';
import { readDataFile } from '../src/lib/delta/readDataFile';
import { recordsOf } from '../src/lib/delta/readStatistics';

/** How often the log is read, in milliseconds. A row counts as visible when such a reader sees it. */
const pollMs = 25;
/** How long the last events may take to arrive, in milliseconds. */
export const catchUpMs = 30_000;

/** Follows a table's log as any reader would, and records when each file became visible. */
export class LogTail {
  rows = 0;
  /** The number of commits that added rows. */
  commits = 0;
  readonly #at: TableLocation;
  #version = -1;
  #seen: { add: Add; at: number }[] = [];

  constructor(at: TableLocation) {
    this.#at = at;
  }

  forget(): void {
    this.rows = 0;
    this.commits = 0;
    this.#seen = [];
  }

  /** Reads until the table has this many rows, or the time is over. */
  async follow(rows: number, limitMs = catchUpMs): Promise<void> {
    for (const endAt = performance.now() + limitMs; this.rows < rows && performance.now() < endAt; ) {
      const commit = await readCommit(this.#at, this.#version + 1);
      if (!commit) {
        await sleep(pollMs);
        continue;
      }
      this.#version = commit.version;
      if (commit.adds.some(({ dataChange }) => dataChange)) this.commits++;
      for (const add of commit.adds) {
        if (!add.dataChange) continue;
        this.#seen.push({ add, at: Date.now() });
        this.rows += recordsOf(add) ?? 0;
      }
    }
  }

  /** Milliseconds from enqueued to visible, for every row since `forget`. */
  async delays(): Promise<number[]> {
    const state = await openState(this.#at);
    const delays: number[] = [];
    if (!state) return delays;
    for (const { add, at } of this.#seen) {
      const { columns } = await readDataFile(state, add, ['enqueued_at']);
      for (const enqueuedAt of columns.get('enqueued_at') ?? []) delays.push(at - Number(enqueuedAt) / 1000);
    }
    return delays;
  }
}
