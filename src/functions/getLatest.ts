import { app, type HttpRequest } from '@azure/functions';
import { answerLatest } from '../lib/app/latest';
import { apiRequestBelow } from './wiring/apiRequest';
import { logged } from './wiring/logged';

app.http('getLatest', {
  methods: ['GET'],
  route: 'latest/{stream?}/{key?}/{view?}',
  authLevel: 'function',
  handler: logged((request: HttpRequest) => {
    const { stream, key, view } = request.params;
    return answerLatest(stream, apiRequestBelow(request, key, view));
  }),
});
