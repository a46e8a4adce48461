import { clickstream } from '../lib/streams/clickstream';
import { registerIngest } from './wiring/registerIngest';

registerIngest('ingestClickstream', clickstream);
