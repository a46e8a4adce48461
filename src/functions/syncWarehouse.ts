import { app } from '@azure/functions';
import { syncWarehouse } from '../lib/app/warehouse';

/** Loads are mostly made after commits; this catches up with what those missed, as after a pause of the SQL pool. */
app.timer('syncWarehouse', {
  schedule: '30 * * * * *',
  handler: () => syncWarehouse(),
});
