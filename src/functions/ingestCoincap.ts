import { coincap } from '../lib/streams/coincap';
import { registerIngest } from './wiring/registerIngest';

registerIngest('ingestCoincap', coincap);
