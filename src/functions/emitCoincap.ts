import { emitAssets } from '../lib/app/emitAssets';
import { coincapApiKey } from '../lib/streams/coincap';
import { registerEmit } from './wiring/registerEmit';

registerEmit('emitCoincap', {
  schedule: '%COINCAP_SCHEDULE%',
  needs: coincapApiKey,
  isOff: (key) => key === '',
  async send(context) {
    await emitAssets((line) => context.log(line));
  },
});
