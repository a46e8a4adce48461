import { app, type InvocationContext } from '@azure/functions';
import { type SettingDefinition, settingText } from '../../lib/settingDefinitions';

export interface Emitter {
  /** When events are sent: an NCRONTAB expression, or a setting between percent signs that holds one. */
  readonly schedule: string;
  /** The setting without which there is nothing to send. */
  readonly needs: SettingDefinition;
  /** Whether a value of that setting means that nothing is sent. */
  readonly isOff: (value: string) => boolean;
  readonly send: (context: InvocationContext) => Promise<void>;
}

/**
 * Registers a timer that sends events to a hub. Where its setting says that there are none to send, it is not registered: a timer
 * that does nothing would wake an app that has scaled to zero.
 */
export function registerEmit(name: string, { schedule, needs, isOff, send }: Emitter): void {
  const value = settingText(needs);
  if (isOff(value))
    console.log(`${name} is not registered: ${needs.name} is ${value === '' ? 'not set' : value}.`);
  else app.timer(name, { schedule, handler: (_timer, context) => send(context) });
}
