import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../src/lib/sources/seededRandom';
import { type ChaosSystem, hostNames } from './system';

/** Further than the log, tombstones and every bucket of the counts are kept. */
const aheadMs = 10 * 86_400_000;
/** Long enough for many commits and refreshes of the counts. */
const jumpMs = 15_000;
const askLimitMs = 120_000;

/**
 * Sets the clock of a host ten days ahead for a while, and has it do its maintenance meanwhile, which must not take anything for old.
 * Returns a line for the log.
 */
export async function jumpClock(system: ChaosSystem, random: Random): Promise<string> {
  const host = hostNames[Math.floor(random() * hostNames.length)] ?? 'one';
  system.setClockAhead(host, aheadMs);
  try {
    await sleep(jumpMs / 2);
    await maintain(system.hostUrl(host));
    await sleep(jumpMs / 2);
  } finally {
    system.setClockAhead(host, 0);
  }
  return `the clock of host ${host} was ten days ahead for ${jumpMs / 1000} s`;
}

/** Starts maintenance by hand. It may fail, because storage does. */
async function maintain(hostUrl: string | undefined): Promise<void> {
  await fetch(`${hostUrl}/admin/functions/maintainTables`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
    signal: AbortSignal.timeout(askLimitMs),
  }).catch(() => {});
}
