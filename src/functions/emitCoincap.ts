import { app } from '@azure/functions';
import { emitAssets } from '../lib/app/emitAssets';

app.timer('emitCoincap', {
  schedule: '%COINCAP_SCHEDULE%',
  handler: async (_timer, context) => {
    await emitAssets((line) => context.log(line));
  },
});
