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

/** What the app did since a time (milliseconds since 1970), by the log of its host. */
export function otherWork(hostLog: string, since: number): OtherWork {
  let [loads, loadedRows, maintenanceSteps] = [0, 0, 0];
  const lines = existsSync(hostLog) ? readFileSync(hostLog, 'utf8').split('\n') : [];
  for (const line of lines) {
    const at = Date.parse(/^\[(\S+)\]/.exec(line)?.[1] ?? '');
    if (!(at >= since)) continue;
    if (line.includes('{"event":"maintenance",')) maintenanceSteps++;
    if (!line.includes('{"event":"load",')) continue;
    loads++;
    loadedRows += Number(/"rows":(\d+)/.exec(line)?.[1] ?? 0);
  }
  return { loads, loadedRows, maintenanceSteps };
}
