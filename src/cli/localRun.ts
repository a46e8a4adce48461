import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { within } from '../lib/deadline';
import { parseJsonObject } from '../lib/jsonObject';

/*
 * Tells which run of `npm start` or `npm run emulators` uses a folder. A run leaves a mark in its folder. A process id alone proves
 * nothing, because after a crash another program may have the same id.
 *
 * | on the port that the mark names               | what it means                                         |
 * |-----------------------------------------------|-------------------------------------------------------|
 * | a run answers and names this folder           | it runs                                               |
 * | something accepts the connection, but is mute | it is stopped, as by Ctrl-Z, or too busy              |
 * | nobody, or another program                    | it was killed, and its processes end soon             |
 */

/** How long to wait for the answer of a run. It is short, because a run on this machine answers at once. */
const answerLimitMs = 500;

export interface Mark {
  readonly port: number;
  readonly pid: number;
  /** The process ids of its child processes. */
  readonly children: readonly number[];
}

/** What a run tells about itself. */
export interface Run {
  readonly dataDir: string;
  /** The command that started it, like `npm start`. */
  readonly command: string;
  readonly pid: number;
  /** When it started, as an ISO time. */
  readonly since: string;
  readonly dashboard?: string;
}

export const markFile = (dataDir: string) => join(dataDir, 'run.json');

/** Whether a run uses this folder. A run that is stopped, or too busy to answer, counts as well. */
export async function isUsedByRun(folder: string): Promise<boolean> {
  const dataDir = resolve(folder);
  const mark = readMark(markFile(dataDir));
  const run = mark && (await askRun(mark));
  return run === 'mute' || run?.dataDir === dataDir;
}

/** The mark in a file; undefined if there is none. */
export function readMark(file: string): Mark | undefined {
  if (!existsSync(file)) return undefined;
  try {
    const { port, pid, children } = parseJsonObject(readFileSync(file, 'utf8'), file);
    const isMark = Number.isInteger(port) && Number.isInteger(pid) && Array.isArray(children);
    if (isMark) return { port: Number(port), pid: Number(pid), children: children.map(Number) };
  } catch {
    // The run was killed while it wrote the file.
  }
  return undefined;
}

/** Asks the process on the mark's port. Undefined if there is none, or if another program answers. */
export async function askRun({ port }: Mark): Promise<Run | 'mute' | undefined> {
  const socket = connect(port, '127.0.0.1');
  try {
    const answer = await within(
      answerLimitMs,
      () => text(socket),
      () => 'mute' as const,
    );
    return answer === 'mute' ? answer : readRun(answer);
  } catch {
    return undefined;
  } finally {
    socket.destroy();
  }
}

/** Reads what a run tells about itself; undefined if another program answered. */
function readRun(answer: string): Run | undefined {
  const said: Partial<Run> | null = JSON.parse(answer);
  return typeof said?.dataDir === 'string' ? (said as Run) : undefined;
}
