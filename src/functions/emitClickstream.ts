import { emitClicks } from '../lib/app/emitClicks';
import { clicksPerSecond } from '../lib/streams/clickstream';
import { registerEmit } from './wiring/registerEmit';

registerEmit('emitClickstream', {
  schedule: '%CLICKSTREAM_SCHEDULE%',
  needs: clicksPerSecond,
  isOff: (value) => Number(value) === 0,
  async send(context) {
    const accepted = await emitClicks();
    context.debug(`Clicks sent to EventHub: ${accepted}`);
  },
});
