import { app, type HttpRequest } from '@azure/functions';
import { answerClicks } from '../lib/app/clicks';
import { apiRequest } from './wiring/apiRequest';
import { logged } from './wiring/logged';

app.http('getClicks', {
  methods: ['GET'],
  route: 'clicks/{view?}',
  authLevel: 'function',
  handler: logged((request: HttpRequest) => answerClicks(apiRequest(request, request.params.view))),
});
