import { isThisMachine } from './sameMachine';

/** Whether a key may be sent to this address: over https, or over http within this machine, where no network sees it. */
export const isConfidential = ({ protocol, hostname }: URL): boolean =>
  protocol === 'https:' || (protocol === 'http:' && isThisMachine(hostname));

/** Whether a key can be sent in a header: fetch throws for a line feed or a letter beyond Latin-1, before it asks anybody. */
export const isHeaderToken = (key: string): boolean => /^[\x21-\x7e]+$/.test(key);
