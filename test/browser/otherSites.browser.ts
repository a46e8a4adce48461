import { createServer } from 'node:http';
import {
  AccountSASPermissions,
  BlobServiceClient,
  generateAccountSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Azurite, startAzurite } from '../../local/azurite';
import { type AdminServer, startAdmin } from '../../local/broker/admin';
import { listenOnLoopback } from '../../src/lib/sameMachine';
import { closeAll, openBroker, openProducerClient } from '../local/broker/clients';
import { type HostProcess, startHostProcess, writeApp } from '../local/host/hostProcess';
import { chromiumArguments, requiredChromium } from './chromium';

/** A site of somebody else, by a name that means this machine only in this browser. */
const evil = 'evil.example.com';
/** A name whose owner pointed it to this machine after the page was loaded. */
const rebound = 'rebound.example.com';

describe('a web page of another site', () => {
  const app = writeApp({
    source: `app.http('hello', { methods: ['GET', 'POST'], handler: async () => { console.log('called'); return { body: 'hello', headers: { 'content-type': 'text/html' } }; } });`,
  });
  const site = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Nice</title>');
  });
  let broker: Awaited<ReturnType<typeof openBroker>>;
  let admin: AdminServer;
  let azurite: Azurite;
  let host: HostProcess;
  let browser: Browser;
  let page: Page;
  let sitePort: number;

  beforeAll(async () => {
    broker = await openBroker({ hub: 1 });
    admin = await startAdmin(broker, 0);
    azurite = await startAzurite();
    host = await startHostProcess({ dir: app.dir });
    sitePort = await listenOnLoopback(site);
    // The browser asks before a public site may reach this machine; switched off, it stands for one that does not ask.
    const rules = `--host-resolver-rules=MAP ${evil} 127.0.0.1, MAP ${rebound} 127.0.0.1`;
    const args = [
      ...chromiumArguments,
      rules,
      '--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests,HttpsUpgrades',
    ];
    browser = await chromium.launch({ executablePath: requiredChromium(), args });
    page = await browser.newPage();
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    site.close();
    await host?.stop();
    await azurite?.close();
    await admin?.close();
    await closeAll();
    app.remove();
  }, 60_000);

  const openEvil = () => page.goto(`http://${evil}:${sitePort}/`);
  const calls = () => host.lines('called').length;

  it('cannot empty a hub or start a function with a POST whose answer it never sees', async () => {
    await openProducerClient(broker, 'hub').sendBatch([{ body: 1 }], { partitionId: '0' });
    await openEvil();
    const urls = [`http://127.0.0.1:${admin.port}/hubs/hub/recreate`, `${host.url}/api/hello`];
    for (const url of urls) await page.evaluate(`fetch('${url}', { method: 'POST', mode: 'no-cors' })`);
    expect(broker.stats().hubs.hub?.accepted).toBe(1);
    expect(calls()).toBe(0);
  });

  it('cannot delete a blob, although everybody knows the key of the emulator', async () => {
    const { connectionString } = azurite;
    const lake = BlobServiceClient.fromConnectionString(connectionString).getContainerClient('lake');
    await lake.create();
    await lake.getBlockBlobClient('log').upload('rows', 4);
    const signature = signedByAnybody(connectionString);
    const batch = [
      ...['--b', 'Content-Type: application/http', 'Content-Transfer-Encoding: binary', 'Content-ID: 0', ''],
      `DELETE /devstoreaccount1/lake/log?${signature} HTTP/1.1`,
      ...['Content-Length: 0', '', '--b--', ''],
    ].join('\r\n');
    const url = `http://127.0.0.1:${azurite.blobPort}/devstoreaccount1/?comp=batch&${signature}`;
    const options = {
      method: 'POST',
      mode: 'no-cors',
      body: batch,
      headers: { 'content-type': 'text/plain; boundary=b' },
    };
    await openEvil();
    await page.evaluate(`fetch(${JSON.stringify(url)}, ${JSON.stringify(options)})`);
    expect((await lake.getBlockBlobClient('log').downloadToBuffer()).toString()).toBe('rows');
    // The same request of a program deletes it, so that only the check has saved it.
    const { method, body, headers } = options;
    expect((await fetch(url, { method, body, headers })).status).toBe(202);
    expect(await lake.getBlockBlobClient('log').exists()).toBe(false);
  });

  it('cannot send a form', async () => {
    await openEvil();
    await page.evaluate(`{
      const form = Object.assign(document.createElement('form'), { method: 'post', action: '${host.url}/api/hello' });
      document.body.append(form);
      form.submit();
    }`);
    await page.waitForURL(`${host.url}/api/hello`);
    expect(await page.locator('body').innerText()).toContain('A web page of another site may not call');
    expect(calls()).toBe(0);
  });

  it('cannot show an answer in a frame or load it as a picture', async () => {
    await openEvil();
    await page.evaluate(`Promise.all(['iframe', 'img'].map((tag) => new Promise((done) => {
      const element = document.createElement(tag);
      element.onload = element.onerror = done;
      element.src = '${host.url}/api/hello';
      document.body.append(element);
    })))`);
    expect(calls()).toBe(0);
  });

  it('reads nothing under a name that was pointed to this machine', async () => {
    const answer = await page.goto(host.url.replace('127.0.0.1', rebound).concat('/api/hello'));
    expect(answer?.status()).toBe(403);
    expect(calls()).toBe(0);
  });

  it('may link here, and pages of this machine go on working', async () => {
    await openEvil();
    await page.evaluate(`location.href = '${host.url}/api/hello'`);
    await page.waitForURL(`${host.url}/api/hello`);
    expect(await page.locator('body').innerText()).toBe('hello');
    const post = `fetch('/api/hello', { method: 'POST' }).then((answer) => answer.text())`;
    expect(await page.evaluate(post)).toBe('hello');
    await page.goto(host.url.replace('127.0.0.1', 'localhost').concat('/api/hello'));
    expect(await page.evaluate(post)).toBe('hello');
    expect(calls()).toBe(4);
  });
});

/** A signature for requests to the storage emulator, made with the key that its documentation names. */
function signedByAnybody(connectionString: string): string {
  const [, name = '', key = ''] = /AccountName=([^;]+);AccountKey=([^;]+)/.exec(connectionString) ?? [];
  return generateAccountSASQueryParameters(
    {
      expiresOn: new Date(Date.now() + 3_600_000),
      permissions: AccountSASPermissions.parse('rwdl'),
      services: 'b',
      resourceTypes: 'sco',
    },
    new StorageSharedKeyCredential(name, key),
  ).toString();
}
