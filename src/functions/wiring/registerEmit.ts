import { app, type InvocationContext } from '@azure/functions';
import { type SettingDefinition, settingText } from '../../lib/settingDefinitions';
import { problemOf } from '../../lib/settingReader';
import { findStream } from '../../lib/streams/loadStreams';
import type { Stream } from '../../lib/streams/stream';
import { logged } from './logged';

export interface Emitter {
  /** The name of the stream to whose hub events are sent. */
  readonly stream: string;
  /** The setting that says when events are sent. */
  readonly schedule: SettingDefinition;
  /** The setting without which there is nothing to send. */
  readonly needs: SettingDefinition;
  readonly send: (stream: Stream, context: InvocationContext) => Promise<void>;
}

/**
 * Registers a timer that sends events to a stream's hub. It is not registered in three cases:
 *
 * - The project has no such stream.
 * - The setting says that there are no events to send. A timer that does nothing would wake an app that has scaled to zero.
 * - The schedule is wrong. The host's own message would not name the setting.
 */
export function registerEmit(name: string, emitter: Emitter): void {
  // Streams are loaded asynchronously. Functions can be registered until the appStart hooks have ended.
  app.hook.appStart(async () => {
    const stream = await findStream(emitter.stream);
    if (stream) registerTimer(name, stream, emitter);
  });
}

function registerTimer(name: string, stream: Stream, { schedule, needs, send }: Emitter): void {
  // A wrong value of this setting is found when the function runs.
  const value = settingText(needs) ?? '';
  const problem = problemOf(schedule);
  if (needs.isOff?.(value))
    console.log(`${name} is not registered: ${needs.name} is ${value === '' ? 'not set' : value}.`);
  else if (problem !== undefined) console.error(`${name} is not registered: ${problem}`);
  else
    app.timer(name, {
      schedule: `%${schedule.name}%`,
      handler: logged((_timer, context) => send(stream, context)),
    });
}
