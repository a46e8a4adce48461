import { app } from '@azure/functions';
import { drainWriters } from './lib/app';

app.hook.appTerminate(() => drainWriters());
