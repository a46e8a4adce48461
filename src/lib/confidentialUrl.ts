import { isThisMachine } from './sameMachine';

/** Whether a key may be sent to this address: over https, or over http within this machine, where no network sees it. */
export const isConfidential = ({ protocol, hostname }: URL): boolean =>
  protocol === 'https:' || (protocol === 'http:' && isThisMachine(hostname));
