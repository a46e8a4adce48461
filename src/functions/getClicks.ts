import { app } from '@azure/functions';
import { clickCounts } from '../lib/app';

app.http('getClicks', {
  methods: ['GET'],
  route: 'clicks',
  authLevel: 'function',
  handler: async () => {
    const counts = await clickCounts();
    return { jsonBody: await counts.totals() };
  },
});
