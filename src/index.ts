import { app } from '@azure/functions';
import { shutDown } from './lib/app/shutDown';

// An older Node.js loads the app too, but then sending and maintenance fail, because Map.groupBy is missing.
if (Number.parseInt(process.versions.node, 10) < 22)
  throw new Error(
    `Tributary needs Node.js 22 or newer, and this is ${process.versions.node}: install Node.js 24 and start again; in Azure, set the function app to Node.js 24.`,
  );

app.hook.appTerminate(() => shutDown());
