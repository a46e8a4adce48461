import { app } from '@azure/functions';
import { readHealth } from '../lib/app/health';
import { logged } from './wiring/logged';

/** Registers the function that probes ask. It is anonymous, so its answers contain only states, numbers and commands. */
app.http('getHealth', {
  // Some probes ask with HEAD; the host leaves the body out.
  methods: ['GET', 'HEAD'],
  route: 'health',
  authLevel: 'anonymous',
  handler: logged(async () => {
    const health = await readHealth();
    const status = health.status === 'failing' ? 503 : 200;
    return { status, jsonBody: health, headers: { 'cache-control': 'no-store' } };
  }),
});
