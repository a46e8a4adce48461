import { app, type HttpRequest } from '@azure/functions';
import { answerCounts } from '../lib/app/clicks';
import { logged } from './wiring/logged';

app.http('getCounts', {
  methods: ['GET'],
  route: 'counts/{stream}/{view?}',
  authLevel: 'function',
  handler: logged(({ params, query, headers }: HttpRequest) =>
    answerCounts(params.stream ?? '', { path: params.view ?? '', query, headers }),
  ),
});
