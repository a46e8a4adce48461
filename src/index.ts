import { app } from '@azure/functions';
import { closeConnections, drainWriters } from './lib/app';

app.hook.appTerminate(async () => {
  try {
    await drainWriters();
  } finally {
    await closeConnections();
  }
});
