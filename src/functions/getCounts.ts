import { app, type HttpRequest } from '@azure/functions';
import { answerCounts } from '../lib/app/clicks';
import { apiRequest } from './wiring/apiRequest';
import { logged } from './wiring/logged';

app.http('getCounts', {
  methods: ['GET'],
  route: 'counts/{stream?}/{view?}',
  authLevel: 'function',
  handler: logged((request: HttpRequest) =>
    answerCounts(request.params.stream, apiRequest(request, request.params.view)),
  ),
});
