import { maintainTables } from '../lib/orchestrations/maintainTables';
import { registerOrchestration } from './wiring/registerOrchestration';

registerOrchestration('maintainTables', maintainTables, 'POST /api/maintenance');
