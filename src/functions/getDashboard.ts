import { app } from '@azure/functions';
import { serveDashboard } from '../lib/dashboard/serveDashboard';

app.http('getDashboard', {
  methods: ['GET'],
  route: 'dashboard/{part?}',
  authLevel: 'anonymous',
  handler: ({ params, query, headers, url }) =>
    serveDashboard({ path: params.part ?? '', query, headers, url }),
});
