import { rebuildWarehouse } from '../lib/orchestrations/rebuildWarehouse';
import { registerOrchestration } from './wiring/registerOrchestration';

registerOrchestration('rebuildWarehouse', rebuildWarehouse, 'POST /api/warehouse/{table}/rebuild');
