import { app } from '@azure/functions';
import { syncWarehouse } from '../lib/app/warehouse';
import { logged } from './wiring/logged';

/** Most loads follow a commit. This timer loads what those missed, for example while the SQL pool was paused. */
app.timer('syncWarehouse', {
  schedule: '30 * * * * *',
  handler: logged(syncWarehouse),
});
