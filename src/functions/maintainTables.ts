import { app } from '@azure/functions';
import { maintain } from '../lib/app/maintenance';

app.timer('maintainTables', {
  schedule: '0 */5 * * * *',
  handler: () => maintain(),
});
