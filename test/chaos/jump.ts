import { setTimeout as sleep } from 'node:timers/promises';
import { dayMs } from '../../src/lib/duration';
import type { Random } from '../../src/lib/sources/seededRandom';
import { type ChaosSystem, hostNames } from './system';

/** How far ahead a clock is set: by more time than the log, tombstones, and the counts of products by the hour are kept. */
const aheadMs = 10 * dayMs;
/** Long enough for many commits and refreshes of the counts. */
const jumpMs = 15_000;
/** How long until a process with a clock that was set has noticed it. */
const noticeMs = 500;
const askLimitMs = 20_000;
/** How long another pass of maintenance may run before this one begins. */
const beginLimitMs = 60_000;
const compareLimitMs = 120_000;

export interface Jump {
  readonly line: string;
  readonly problems: readonly string[];
}

/**
 * Sets the clock of a host ten days ahead for a while. The host does its maintenance meanwhile, which must not take anything for old.
 * Afterwards its history must have all clicks.
 */
export async function jumpClock(system: ChaosSystem, random: Random): Promise<Jump> {
  const host = hostNames[Math.floor(random() * hostNames.length)] ?? 'one';
  let began = false;
  system.setClockAhead(host, aheadMs);
  try {
    await sleep(noticeMs);
    began = await beginMaintenance(() => system.hostUrl(host));
    await sleep(jumpMs);
  } finally {
    system.setClockAhead(host, 0);
  }
  await sleep(noticeMs);
  const difference = await withoutFaults(system, () => missingInHistory(system.hostUrl(host) ?? ''));
  return {
    line: `the clock of host ${host} was ten days ahead for ${jumpMs / 1000} s, ${began ? 'with' : 'without'} a pass of maintenance`,
    problems: difference === 0 ? [] : [`Host ${host}: ${difference} clicks are missing in its history.`],
  };
}

/** A host that started a short while ago may need minutes to count all files, as long as storage fails. */
async function withoutFaults<T>({ proxy }: ChaosSystem, work: () => Promise<T>): Promise<T> {
  const { rate } = proxy;
  proxy.rate = 0;
  try {
    return await work();
  } finally {
    proxy.rate = rate;
  }
}

/** Starts a pass of maintenance by hand, with all steps, as soon as no other one runs. Requests may fail, because storage does. */
async function beginMaintenance(hostUrl: () => string | undefined): Promise<boolean> {
  const giveUpAt = performance.now() + beginLimitMs;
  while (performance.now() < giveUpAt) {
    const answer = await ask(`${hostUrl()}/api/maintenance`, 'POST');
    if ((answer as { readonly started?: unknown } | undefined)?.started === true) return true;
    await sleep(500);
  }
  return false;
}

/**
 * How many of a host's clicks are in no bucket of its history. All clicks of a run are younger than a day. Asks until two answers
 * are of the same version, because storage fails and clicks come all the time.
 */
export async function missingInHistory(hostUrl: string): Promise<number> {
  const giveUpAt = performance.now() + compareLimitMs;
  while (performance.now() < giveUpAt) {
    const [all, history] = await Promise.all(
      ['/api/clicks', '/api/clicks/history?last=24h'].map(
        async (path) => (await ask(`${hostUrl}${path}`)) as Answer | undefined,
      ),
    );
    if (all && history && all.version === history.version) return all.total - history.total;
    await sleep(100);
  }
  throw new Error(`${hostUrl} does not tell its clicks.`);
}

interface Answer {
  readonly version: number;
  readonly total: number;
}

async function ask(url: string, method = 'GET'): Promise<unknown> {
  try {
    const reply = await fetch(url, { method, signal: AbortSignal.timeout(askLimitMs) });
    return reply.ok ? await reply.json() : undefined;
  } catch {
    return undefined;
  }
}
