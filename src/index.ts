import { app } from '@azure/functions';
import { shutDown } from './lib/app/shutDown';
import { reportWrongSettings } from './lib/app/startUp';

// An older Node.js would load the app, but sending and maintenance would fail later, because Map.groupBy is missing.
if (Number.parseInt(process.versions.node, 10) < 22)
  throw new Error(
    `Tributary needs Node.js 22 or newer, and this is ${process.versions.node}: install Node.js 24 and start again; in Azure, set the function app to Node.js 24.`,
  );

app.hook.appStart(() => reportWrongSettings());
app.hook.appTerminate(() => shutDown());
