import { inParallel } from '../src/lib/inParallel';
import { scaleGroupOf } from './host/scaleGroup';
import { functionsOf } from './hostAdmin';
import { type HostProcess, type HostProcessOptions, startHostProcess } from './processes';
import { sentence } from './waits';

/** How many hosts are started at once. Each needs a core for some seconds. */
const startsAtOnce = 2;

/** The group of the functions that answer requests: the address of its host is the address of the app. */
const http = 'http';

/**
 * Starts the app in one host for each of its scale groups, as Flex Consumption does: in processes that share no memory. The first host is
 * the one that answers requests. If one does not start, those that run are ended, and the call rejects.
 * @param onStart is called with each host as soon as it runs
 */
export async function startScaleGroups(
  options: HostProcessOptions,
  onStart: (host: HostProcess) => void,
): Promise<HostProcess[]> {
  const started: HostProcess[] = [];
  const start = async (group: string, port: number) => {
    const host = await startHostProcess({ ...options, port, instance: group, group });
    started.push(host);
    onStart(host);
    return host;
  };
  try {
    const first = await start(http, options.port);
    await inParallel(await otherGroups(first), startsAtOnce, (group) => start(group, 0));
    return started;
  } catch (error) {
    await Promise.all(started.map((host) => host.stop()));
    throw error;
  }
}

/** The groups of the functions that do not run in the host for requests. Functions that a setting disables everywhere are left out. */
export async function otherGroups({ url }: HostProcess): Promise<string[]> {
  const functions = await functionsOf(url).catch((cause) => {
    throw new Error(
      `It is not known which functions there are: ${sentence(cause)}. Its log is in .local/logs.`,
      {
        cause,
      },
    );
  });
  const groups = functions.map(({ name, type }) => scaleGroupOf(name, type));
  return [...new Set(groups)].filter((group) => group !== http);
}
