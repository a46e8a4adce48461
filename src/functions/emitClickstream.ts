import { emitClicks } from '../lib/app/emitClicks';
import { clicksPerSecond, clickstreamSchedule } from '../lib/sources/clicks/settings';
import { registerEmit } from './wiring/registerEmit';

registerEmit('emitClickstream', {
  stream: 'clickstream',
  schedule: clickstreamSchedule,
  needs: clicksPerSecond,
  async send(stream, context) {
    const accepted = await emitClicks(stream);
    context.debug(`Clicks sent to EventHub: ${accepted}`);
  },
});
