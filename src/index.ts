import { app } from '@azure/functions';
import { closeWarehouse, drainWriters } from './lib/app';

app.hook.appTerminate(async () => {
  await drainWriters();
  await closeWarehouse();
});
