import { accessSync, constants, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { reasonOf } from '../src/cli/givenFile';
import { askRun, markFile, type Run, readMark } from '../src/cli/localRun';
import { listenOnLoopback } from '../src/lib/sameMachine';
import { isAlive } from './isAlive';

/*
 * A run leaves a mark in its folder, because two runs in one folder would destroy its data. The mark has a port on which the run says what
 * it is, and the ids of its processes. src/cli/localRun.ts says what the mark means.
 */

/** How long the processes of a killed run may take to notice that and end, in milliseconds. */
const endLimitMs = 10_000;

export interface RunMark {
  /** Records a child process. */
  addChild(pid: number): void;
  /** Sets the address that a second run names. */
  setDashboard(url: string): void;
  remove(): void;
}

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
  const port = await listenOnLoopback(server);
  server.unref();
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
 * Makes sure that no run uses the folder. If the last run was killed, waits until its processes have ended.
 * @throws an error of one line in three cases: the folder cannot be written; a run uses it, with how to end that; the processes of a killed
 * run go on
 */
export async function ensureNotRunning(dataDir: string): Promise<void> {
  ensureWritable(dataDir);
  const file = markFile(dataDir);
  const mark = readMark(file);
  // A file without a mark in it was being written when the run was killed.
  if (!mark) return rmSync(file, { force: true });
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

function ensureWritable(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true });
    accessSync(dataDir, constants.W_OK);
  } catch (error) {
    throw new Error(`${dataDir}, where all data is kept, cannot be used: ${reasonOf(error)}.`);
  }
}

function describeRun({ command, pid, since, dashboard }: Run): string {
  const shown = dashboard === undefined ? '' : ` Its dashboard: ${dashboard}.`;
  const commands = command === 'npm start' ? 'The other commands' : 'The commands that need no app';
  return `"${command}" runs here already, since ${since}, as process ${pid}.${shown} ${commands} work with it. To end it, press Ctrl-C in its terminal, or: ${endCommand(pid)}`;
}

const endCommand = (...pids: readonly number[]): string =>
  process.platform === 'win32'
    ? `taskkill /T ${pids.map((pid) => `/PID ${pid}`).join(' ')}`
    : `kill ${pids.join(' ')}`;
