import { app } from '@azure/functions';
import { readHealth } from '../lib/app';

/** For probes: anonymous, so it tells states and numbers only. */
app.http('getHealth', {
  methods: ['GET'],
  route: 'health',
  authLevel: 'anonymous',
  handler: async () => ({ jsonBody: await readHealth(), headers: { 'cache-control': 'no-store' } }),
});
