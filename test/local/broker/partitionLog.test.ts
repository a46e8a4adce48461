import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import rhea from 'rhea';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseTransfer, type SentEvent } from '../../../local/broker/eventBytes';
import { LogCursor } from '../../../local/broker/logCursor';
import { PartitionLog } from '../../../local/broker/partitionLog';
import { until } from './clients';

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'broker-log-'));
  path = join(dir, '0.log');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const eventOf = (text: string): SentEvent[] =>
  parseTransfer(rhea.message.encode({ body: rhea.message.data_section(Buffer.from(text)) }), 0).events;

function append(log: PartitionLog, ...texts: string[]): void {
  log.append(texts.flatMap(eventOf), undefined);
}

function textsFrom(log: PartitionLog, sequenceNumber: number): string[] {
  const cursor = new LogCursor(log, sequenceNumber);
  const texts: string[] = [];
  for (let bytes = cursor.next(); bytes; bytes = cursor.next()) {
    texts.push(rhea.message.decode(bytes).body.content.toString());
  }
  return texts;
}

describe('a partition log', () => {
  it('keeps sequence numbers, offsets and times over a restart', () => {
    const log = new PartitionLog(path);
    append(log, 'a', 'b');
    append(log, 'c');
    const before = log.lastEnqueued;
    log.close();
    const again = new PartitionLog(path);
    expect(again.lastEnqueued).toEqual(before);
    expect(before.sequenceNumber).toBe(2);
    append(again, 'd');
    expect(textsFrom(again, 0)).toEqual(['a', 'b', 'c', 'd']);
    expect(again.lastEnqueued.time).toBeGreaterThanOrEqual(before.time);
    expect(again.lastEnqueued.offset).toBeGreaterThan(before.offset);
    again.close();
  });

  it('cuts off a half-written tail, and appends go on from there', () => {
    const log = new PartitionLog(path);
    append(log, 'a', 'b', 'c');
    log.close();
    const whole = statSync(path).size;
    truncateSync(path, whole - 3);
    const again = new PartitionLog(path);
    expect(again.tornBytes).toBeGreaterThan(0);
    expect(textsFrom(again, 0)).toEqual(['a', 'b']);
    append(again, 'd');
    expect(textsFrom(again, 0)).toEqual(['a', 'b', 'd']);
    again.close();
    expect(statSync(path).size).toBe(whole);
  });

  it.each([1, 7, 15, 17, 400])('cuts off %i bytes of garbage after the last event', (count) => {
    const log = new PartitionLog(path);
    append(log, 'a');
    log.close();
    const whole = readFileSync(path);
    appendFileSync(path, Buffer.alloc(count, 0x5a));
    const again = new PartitionLog(path);
    expect(again.tornBytes).toBe(count);
    expect(textsFrom(again, 0)).toEqual(['a']);
    again.close();
    expect(readFileSync(path).equals(whole)).toBe(true);
  });

  it('reads events back from the file that are no longer in memory', () => {
    const log = new PartitionLog(path);
    const body = 'x'.repeat(2000);
    const late = new LogCursor(log, 0);
    for (let n = 0; n < 3000; n += 10) {
      append(log, ...Array.from({ length: 10 }, (_, index) => `${n + index} ${body}`));
    }
    expect(rhea.message.decode(late.next() ?? Buffer.alloc(0)).body.content.toString()).toBe(`0 ${body}`);
    const texts = textsFrom(log, 1234);
    expect(texts.length).toBe(3000 - 1234);
    expect(texts[0]).toBe(`1234 ${body}`);
    expect(texts.at(-1)).toBe(`2999 ${body}`);
    log.close();
    const again = new PartitionLog(path);
    expect(textsFrom(again, 2500)[0]).toBe(`2500 ${body}`);
    again.close();
  });

  it('keeps no more than a short tail of its file in memory', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage: () => void = runInNewContext('gc');
    const log = new PartitionLog(path);
    const body = 'z'.repeat(100_000);
    collectGarbage();
    const before = process.memoryUsage().arrayBuffers;
    for (let n = 0; n < 300; n += 1) append(log, body);
    // The garbage collector frees memory in the background.
    await until('30 MB to shrink to a tail', () => {
      collectGarbage();
      return process.memoryUsage().arrayBuffers - before < 10_000_000;
    });
    log.close();
  });

  it.each([true, false])('skips expired events, also for a slow reader (on disk: %s)', (onDisk) => {
    const log = onDisk ? new PartitionLog(path) : new PartitionLog();
    const cursor = new LogCursor(log, 0);
    const body = 'y'.repeat(50_000);
    for (let n = 0; n < 60; n += 1) append(log, `${n} ${body}`);
    cursor.next();
    log.truncate(40);
    expect(log.begin).toBe(40);
    expect(rhea.message.decode(cursor.next() ?? Buffer.alloc(0)).body.content.toString()).toBe(`40 ${body}`);
    expect(textsFrom(log, log.begin).length).toBe(20);
    expect(log.resolve({ from: 'offset', value: 0, inclusive: true })).toEqual({ sequenceNumber: 40 });
    expect(log.resolve({ from: 'sequenceNumber', value: 3, inclusive: true })).toEqual({
      sequenceNumber: 40,
    });
    log.truncate(1000);
    expect(log.begin).toBe(60);
    log.close();
  });

  it('says which position is invalid and which is the last', () => {
    const log = new PartitionLog();
    append(log, 'a', 'b');
    expect(log.resolve({ from: 'sequenceNumber', value: 1, inclusive: false })).toEqual({
      sequenceNumber: 2,
    });
    expect(log.resolve({ from: 'sequenceNumber', value: 2, inclusive: true })).toEqual({ sequenceNumber: 2 });
    expect(log.resolve({ from: 'sequenceNumber', value: 2, inclusive: false })).toEqual({
      problem: "The supplied sequence number '2' is invalid. The last sequence number in the system is '1'",
    });
    expect(log.resolve({ from: 'offset', value: 99_999, inclusive: false })).toEqual({
      problem: `The supplied offset '99999' is invalid. The last offset in the system is '${log.lastEnqueued.offset}'`,
    });
  });

  it('begins its enqueued times when its hub was made, wherever the clock is', () => {
    const createdOn = new Date(Date.now() + 3_600_000);
    const log = new PartitionLog(path, createdOn);
    expect(log.lastEnqueued).toEqual({ sequenceNumber: -1, offset: -1, time: 0 });
    append(log, 'a');
    expect(log.lastEnqueued).toMatchObject({ sequenceNumber: 0, time: createdOn.getTime() });
    log.close();
    const again = new PartitionLog(path, createdOn);
    append(again, 'b');
    expect(again.lastEnqueued).toMatchObject({ sequenceNumber: 1, time: createdOn.getTime() });
    again.close();
  });

  it('never lets enqueued times decrease, not even when the clock goes back over a restart', () => {
    const clock = vi.spyOn(Date, 'now');
    try {
      clock.mockReturnValue(2_000_000);
      const log = new PartitionLog(path);
      append(log, 'a');
      clock.mockReturnValue(1_000_000);
      append(log, 'b');
      expect(log.lastEnqueued.time).toBe(2_000_000);
      log.close();
      const again = new PartitionLog(path);
      append(again, 'c');
      expect(again.lastEnqueued).toMatchObject({ sequenceNumber: 2, time: 2_000_000 });
      clock.mockReturnValue(3_000_000);
      append(again, 'd');
      expect(again.resolve({ from: 'time', value: 2_000_000, inclusive: false })).toEqual({
        sequenceNumber: 3,
      });
      expect(again.resolve({ from: 'time', value: 2_000_000, inclusive: true })).toEqual({
        sequenceNumber: 0,
      });
      again.close();
    } finally {
      clock.mockRestore();
    }
  });

  it('takes nothing after it was closed', () => {
    const log = new PartitionLog(path);
    log.close();
    expect(() => append(log, 'a')).toThrow('closed');
  });
});
