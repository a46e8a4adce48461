import { app } from '@azure/functions';
import { clicksApi } from '../lib/app/clicks';

app.http('getClicks', {
  methods: ['GET'],
  route: 'clicks/{view?}',
  authLevel: 'function',
  handler: async ({ params, query, headers }) => {
    const api = await clicksApi();
    return api.answer({ path: params.view ?? '', query, headers });
  },
});
