import { app } from '@azure/functions';
import { maintain } from '../lib/app/maintenance';
import { logged } from './wiring/logged';

app.timer('maintainTables', {
  schedule: '0 */5 * * * *',
  handler: logged(maintain),
});
