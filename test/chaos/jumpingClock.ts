import { readFileSync } from 'node:fs';

/*
 * Loaded into a host before anything else: its clock is ahead by as many milliseconds as a file says, as soon as the file says so.
 * Timers, and clocks that only go forward, stay as they are.
 */

const file = process.env.CHAOS_CLOCK_FILE ?? '';
const lookEveryMs = 100;
const RealDate = Date;
let aheadMs = 0;

const look = () => {
  try {
    aheadMs = Number(readFileSync(file, 'utf8')) || 0;
  } catch {
    aheadMs = 0;
  }
};
look();
setInterval(look, lookEveryMs).unref();

const now = () => RealDate.now() + aheadMs;

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  apply: () => new RealDate(now()).toString(),
  get: (target, name, receiver) => (name === 'now' ? now : Reflect.get(target, name, receiver)),
});
