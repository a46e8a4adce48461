import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { within } from '../src/lib/deadline';
import { parseJsonObject } from '../src/lib/jsonObject';
import { isAlive } from './isAlive';

/*
 * Two runs on one folder would destroy its data, so a run leaves a mark there: a port on which it says what it is, and the ids of its
 * processes. A process id alone proves nothing, because after a crash another program may have it.
 *
 * | on the port that the mark names               | what it means                                         |
 * |-----------------------------------------------|-------------------------------------------------------|
 * | a run answers and names this folder           | it runs                                               |
 * | something accepts the connection, but is mute | it is stopped, as by Ctrl-Z, or too busy              |
 * | nobody, or another program                    | it was killed, and its processes end soon             |
 */

/** Short, because a run on this machine answers at once. */
const answerLimitMs = 500;
/** The processes of a run that was killed notice it and end themselves within some seconds. */
const endLimitMs = 10_000;

interface Mark {
  readonly port: number;
  readonly pid: number;
  /** Its child processes. */
  readonly children: readonly number[];
}

/** What a run says of itself. */
interface Run {
  readonly dataDir: string;
  /** Like `npm start`. */
  readonly command: string;
  readonly pid: number;
  /** ISO time. */
  readonly since: string;
  readonly dashboard?: string;
}

export interface RunMark {
  /** Records a child process. */
  addChild(pid: number): void;
  /** From now on, a second run names this address. */
  setDashboard(url: string): void;
  remove(): void;
}

const markFile = (dataDir: string) => join(dataDir, 'run.json');

/**
 * Marks a folder as used by this run.
 * @param command how the run was started, like `npm start`
 * @throws an error of one line if another run was faster
 */
export async function markRun(dataDir: string, command: string): Promise<RunMark> {
  let run: Run = { dataDir, command, pid: process.pid, since: new Date().toISOString() };
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end(JSON.stringify(run));
  });
  await new Promise<void>((done, failed) => {
    server.once('error', failed);
    server.listen(0, '127.0.0.1', done);
  });
  server.unref();
  const { port } = server.address() as AddressInfo;
  const children: number[] = [];
  const write = (flag: 'w' | 'wx') =>
    writeFileSync(markFile(dataDir), JSON.stringify({ port, pid: process.pid, children }), { flag });
  mkdirSync(dataDir, { recursive: true });
  try {
    write('wx');
  } catch (error) {
    server.close();
    await ensureNotRunning(dataDir);
    throw error;
  }
  return {
    addChild(pid) {
      children.push(pid);
      write('w');
    },
    setDashboard(dashboard) {
      run = { ...run, dashboard };
    },
    remove() {
      server.close();
      rmSync(markFile(dataDir), { force: true });
    },
  };
}

/**
 * Makes sure that no run uses the folder. If the last one was killed, waits until its processes have ended.
 * @throws an error of one line if a run uses it, with how to end it, or if the processes of a killed one go on
 */
export async function ensureNotRunning(dataDir: string): Promise<void> {
  const file = markFile(dataDir);
  const mark = readMark(file);
  if (!mark) return;
  const run = await askRun(mark);
  if (run === 'mute' && isAlive(mark.pid))
    throw new Error(
      `Process ${mark.pid} uses ${dataDir}, but does not answer. If it was stopped with Ctrl-Z, "fg" in its terminal continues it. To end it: ${endCommand(mark.pid)}`,
    );
  if (typeof run === 'object' && run.dataDir === dataDir) throw new Error(describeRun(run));
  const left = () => mark.children.filter(isAlive);
  if (left().length > 0)
    console.error('The last run here was killed: waiting until its processes have ended…');
  for (const giveUpAt = Date.now() + endLimitMs; left().length > 0 && Date.now() < giveUpAt; )
    await sleep(100);
  if (left().length > 0)
    throw new Error(
      `Processes ${left().join(', ')} of a run that was killed still use ${dataDir}. To end them: ${endCommand(...left())} If they are other programs, delete ${file}.`,
    );
  rmSync(file, { force: true });
}

function describeRun({ command, pid, since, dashboard }: Run): string {
  const shown = dashboard === undefined ? '' : ` Its dashboard: ${dashboard}.`;
  return `"${command}" runs here already, since ${since}, as process ${pid}.${shown} The other commands work with it. To end it, press Ctrl-C in its terminal, or: ${endCommand(pid)}`;
}

const endCommand = (...pids: readonly number[]): string =>
  process.platform === 'win32'
    ? `taskkill /T ${pids.map((pid) => `/PID ${pid}`).join(' ')}`
    : `kill ${pids.join(' ')}`;

function readMark(file: string): Mark | undefined {
  if (!existsSync(file)) return undefined;
  try {
    const { port, pid, children } = parseJsonObject(readFileSync(file, 'utf8'), file);
    const isMark = Number.isInteger(port) && Number.isInteger(pid) && Array.isArray(children);
    if (isMark) return { port: Number(port), pid: Number(pid), children: children.map(Number) };
  } catch {
    // The run was killed while it wrote the file.
  }
  rmSync(file, { force: true });
  return undefined;
}

/** What the process on the mark's port says; undefined if there is none, or if it says something else. */
async function askRun({ port }: Mark): Promise<Run | 'mute' | undefined> {
  const socket = connect(port, '127.0.0.1');
  try {
    const answer = await within(
      answerLimitMs,
      () => text(socket),
      () => 'mute' as const,
    );
    return answer === 'mute' ? answer : (JSON.parse(answer) as Run);
  } catch {
    return undefined;
  } finally {
    socket.destroy();
  }
}
