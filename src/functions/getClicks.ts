import { app, type HttpRequest } from '@azure/functions';
import { answerClicks } from '../lib/app/clicks';
import { logged } from './wiring/logged';

app.http('getClicks', {
  methods: ['GET'],
  route: 'clicks/{view?}',
  authLevel: 'function',
  handler: logged(({ params, query, headers }: HttpRequest) =>
    answerClicks({ path: params.view ?? '', query, headers }),
  ),
});
