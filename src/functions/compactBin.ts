import { maintenance } from '../lib/app/maintenance';
import { registerActivity } from './wiring/registerOrchestration';

registerActivity('compactBin', maintenance);
