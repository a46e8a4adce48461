import { rebuildStep } from '../lib/app/rebuild';
import { registerActivity } from './wiring/registerOrchestration';

registerActivity('rebuildStep', { rebuildStep });
