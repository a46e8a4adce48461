import { app } from '@azure/functions';
import { closeConnections, drainWriters } from './lib/app';

// An older Node loads the app all the same, and then every emit and all maintenance fail for want of Map.groupBy.
if (Number.parseInt(process.versions.node, 10) < 22)
  throw new Error(
    `Tributary needs Node.js 22 or newer, and this is ${process.versions.node}: install Node.js 24 and start again; in Azure, set the function app to Node.js 24.`,
  );

app.hook.appTerminate(async () => {
  try {
    await drainWriters();
  } finally {
    await closeConnections();
  }
});
