import { emitClicks } from '../lib/app/emitClicks';
import { clicksPerSecond, clickstream, clickstreamSchedule } from '../lib/streams/clickstream';
import { registerEmit } from './wiring/registerEmit';

registerEmit('emitClickstream', {
  stream: clickstream.name,
  schedule: clickstreamSchedule,
  needs: clicksPerSecond,
  isOff: (value) => Number(value) === 0,
  async send(stream, context) {
    const accepted = await emitClicks(stream);
    context.debug(`Clicks sent to EventHub: ${accepted}`);
  },
});
