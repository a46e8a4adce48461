import { app } from '@azure/functions';
import { closeWarehouse, drainWriters } from './lib/app';

app.hook.appTerminate(async () => {
  try {
    await drainWriters();
  } finally {
    await closeWarehouse();
  }
});
