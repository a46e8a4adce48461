import { emitAssets } from '../lib/app/emitAssets';
import { coincapApiKey, coincapSchedule } from '../lib/sources/coincap/settings';
import { registerEmit } from './wiring/registerEmit';

registerEmit('emitCoincap', {
  stream: 'coincap',
  schedule: coincapSchedule,
  needs: coincapApiKey,
  async send(stream, context) {
    await emitAssets(stream, (line) => context.log(line));
  },
});
