import { app, type HttpRequest } from '@azure/functions';
import { answerAssets } from '../lib/app/latest';
import { apiRequestBelow } from './wiring/apiRequest';
import { logged } from './wiring/logged';

app.http('getAssets', {
  methods: ['GET'],
  route: 'assets/{id?}/{view?}',
  authLevel: 'function',
  handler: logged((request: HttpRequest) =>
    answerAssets(apiRequestBelow(request, request.params.id, request.params.view)),
  ),
});
