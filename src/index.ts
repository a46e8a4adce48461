import { app } from '@azure/functions';
import { shutDown } from './lib/app/shutDown';
import { problemOfNode, reportWrongSettings } from './lib/app/startUp';

const problem = problemOfNode(process.versions.node);
if (problem !== undefined) throw new Error(problem);

app.hook.appStart(() => reportWrongSettings());
app.hook.appTerminate(() => shutDown());
