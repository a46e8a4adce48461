import { openSnapshot, openState } from '../src/lib/delta/openTable';
import { measureOpening } from './measureOpening';

/*
 * The process that `openSnapshot.ts` measures, for a snapshot and for a writer's state. It loads nothing else, and neither does the process
 * of deltalake.
 */

const [task, folder = '', runs] = process.argv.slice(2);
void measureOpening(folder, Number(runs), task === 'state' ? openState : openSnapshot);
