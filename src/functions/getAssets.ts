import { app, type HttpRequest } from '@azure/functions';
import { answerAssets } from '../lib/app/latest';
import { logged } from './wiring/logged';
import { pathOf } from './wiring/pathOf';

app.http('getAssets', {
  methods: ['GET'],
  route: 'assets/{id?}/{view?}',
  authLevel: 'function',
  handler: logged(({ params, query, headers }: HttpRequest) =>
    answerAssets({ path: pathOf(params.id, params.view), query, headers }),
  ),
});
