import { app, type HttpRequest } from '@azure/functions';
import { answerLatest } from '../lib/app/latest';
import { logged } from './wiring/logged';
import { pathOf } from './wiring/pathOf';

app.http('getLatest', {
  methods: ['GET'],
  route: 'latest/{stream}/{key?}/{view?}',
  authLevel: 'function',
  handler: logged(({ params, query, headers }: HttpRequest) =>
    answerLatest(params.stream ?? '', { path: pathOf(params.key, params.view), query, headers }),
  ),
});
