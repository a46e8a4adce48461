import { maintenance } from '../lib/app/maintenance';
import { registerActivity } from './wiring/registerOrchestration';

registerActivity('planCompaction', maintenance);
