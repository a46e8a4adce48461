import { app } from '@azure/functions';
import { emitClicks } from '../lib/app/emitClicks';

app.timer('emitClickstream', {
  schedule: '%CLICKSTREAM_SCHEDULE%',
  handler: async (_timer, context) => {
    const accepted = await emitClicks();
    context.debug(`Clicks sent to EventHub: ${accepted}`);
  },
});
