/** The loopback addresses, as `URL.hostname` spells them. */
const thisMachine = ['127.0.0.1', 'localhost', '[::1]'];

/** Whether a key may be sent to this address: over https, or over http within this machine, where no network sees it. */
export const isConfidential = ({ protocol, hostname }: URL): boolean =>
  protocol === 'https:' || (protocol === 'http:' && thisMachine.includes(hostname));
