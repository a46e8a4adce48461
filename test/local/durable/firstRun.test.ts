import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Azurite, startAzurite } from '../../../local/azurite';
import { startHostProcess, writeApp } from '../host/hostProcess';

let azurite: Azurite;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(async () => {
  await azurite?.close();
});

test('a simple orchestrator runs', async ({ onTestFinished }) => {
  const folder = writeApp({
    source: `const df = require('durable-functions');
      df.app.orchestration('hello', function* (context) {
        const names = context.df.getInput();
        context.df.setCustomStatus({ step: 1 });
        const greetings = yield context.df.Task.all(names.map((name) => context.df.callActivity('greet', name)));
        return greetings.join();
      });
      df.app.activity('greet', { handler: async (name) => 'hi ' + name });
      app.http('start', { methods: ['POST'], extraInputs: [df.input.durableClient()], handler: async (request, context) => {
        const client = df.getClient(context);
        const id = await client.startNew('hello', { input: await request.json() });
        return client.createCheckStatusResponse(request, id);
      } });`,
  });
  onTestFinished(folder.remove);
  const host = await startHostProcess({
    dir: folder.dir,
    settings: { AzureWebJobsStorage: azurite.connectionString },
  });
  onTestFinished(async () => {
    console.log(host.output());
    await host.stop('SIGKILL');
  });
  const answer = await fetch(`${host.url}/api/start`, { method: 'POST', body: '["ann","bob"]' });
  console.log(answer.status, answer.headers);
  const { statusQueryGetUri } = (await answer.json()) as { statusQueryGetUri: string };
  console.log(statusQueryGetUri);
  const status = async () => (await fetch(`${statusQueryGetUri}&showHistory=true`)).json();
  await expect
    .poll(status, { timeout: 5000 })
    .toMatchObject({ runtimeStatus: 'Completed', output: 'hi ann,hi bob' });
  console.log(JSON.stringify(await status(), null, 1));
});
