import { app, type HttpRequest } from '@azure/functions';
import { clicksApi } from '../lib/app/clicks';
import { logged } from './wiring/logged';

app.http('getClicks', {
  methods: ['GET'],
  route: 'clicks/{view?}',
  authLevel: 'function',
  handler: logged(async ({ params, query, headers }: HttpRequest) => {
    const api = await clicksApi();
    return api.answer({ path: params.view ?? '', query, headers });
  }),
});
