import { app } from '@azure/functions';
import { readHealth } from '../lib/app/health';

/** For probes: anonymous, so it tells states, numbers and commands only. */
app.http('getHealth', {
  methods: ['GET'],
  route: 'health',
  authLevel: 'anonymous',
  handler: async () => {
    const health = await readHealth();
    const status = health.status === 'failing' ? 503 : 200;
    return { status, jsonBody: health, headers: { 'cache-control': 'no-store' } };
  },
});
