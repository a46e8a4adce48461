import { existsSync, readFileSync } from 'node:fs';

/*
 * What the app is asked to do besides ingesting while it is measured, and what it did. The warehouse is loaded without being asked.
 */

/** Asks for counts once a second, and for maintenance now. Its result ends that, and tells how many answers with counts there were. */
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

/** What the app did, as its log says. */
export interface OtherWork {
  readonly loads: number;
  readonly loadedRows: number;
  readonly maintenanceSteps: number;
}

/**
 * Reads what the app does from now on, in the log of its host; the result tells it. The lines of loads have no time, because they go on
 * after the batch that asked for them.
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
