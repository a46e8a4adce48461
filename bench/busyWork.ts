import { existsSync, readFileSync } from 'node:fs';

/*
 * Work that the app gets besides ingesting while it is measured, and a report of what it did. The app loads the warehouse by itself.
 */

/**
 * Asks for counts once a second, and for maintenance at once. Returns a function that ends this, and returns how many answers with counts
 * there were.
 */
export function keepBusy(url: string): () => number {
  let answers = 0;
  const ask = async (path: string, method: string) => {
    const answer = await fetch(`${url}/api/${path}`, { method });
    await answer.arrayBuffer();
    if (!answer.ok) console.error(`${path} answered ${answer.status}.`);
    else if (path === 'clicks') answers++;
  };
  const report = (error: unknown) => console.error(String(error));
  ask('maintenance', 'POST').catch(report);
  const timer = setInterval(() => void ask('clicks', 'GET').catch(report), 1000);
  return () => {
    clearInterval(timer);
    return answers;
  };
}

/** The work that the app did, according to its log. */
export interface OtherWork {
  readonly loads: number;
  readonly loadedRows: number;
  readonly maintenanceSteps: number;
}

/**
 * Watches the log of the app's host from now on. Returns a function that tells what the app did. The lines of loads have no time, because
 * loads go on after the batch that asked for them.
 */
export function watchOtherWork(hostLog: string): () => OtherWork {
  const read = () => (existsSync(hostLog) ? readFileSync(hostLog, 'utf8').split('\n') : []);
  const before = read().length - 1;
  return () => {
    const lines = read().slice(before);
    const loads = lines.filter((line) => line.includes('{"event":"load",'));
    const rows = loads.map((line) => Number(/"rows":(\d+)/.exec(line)?.[1] ?? 0));
    return {
      loads: loads.length,
      loadedRows: rows.reduce((sum, count) => sum + count, 0),
      maintenanceSteps: lines.filter((line) => line.includes('{"event":"maintenance",')).length,
    };
  };
}
