import { readFileSync } from 'node:fs';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { ClicksApp } from '../functions/clicksApp';
import { ClicksTable } from '../lib/counts/clicksTable';
import { chromiumArguments, requiredChromium } from './chromium';

export const hostile = '<img src=x onerror="window.hacked=true"><script>window.hacked=true</script>';
export const patience = { timeout: 20_000 };

/** The app with some clicks, and its dashboard in a real Chromium. */
export class OpenedDashboard {
  readonly app = new ClicksApp();
  /** Errors in the console of the page that was opened last. */
  problems: string[] = [];
  /** Its requests. */
  requests: URL[] = [];
  #browser: Browser | undefined;
  #table: ClicksTable | undefined;
  #page: Page | undefined;

  get table(): ClicksTable {
    if (!this.#table) throw new Error('The app is not started.');
    return this.#table;
  }

  /** 40 clicks on product 7 in as many minutes, two on product 3, one on product 11. */
  async start(settings: Record<string, string> = {}): Promise<void> {
    const store = await this.app.start({ COUNTS_REFRESH: '250ms', ...settings });
    await store.put(
      'products.csv',
      Buffer.from(`productid,name\n7,"${hostile.replaceAll('"', '""')}"\n3,Lamp\n`),
    );
    this.#table = await new ClicksTable(store).create();
    const now = Date.now();
    const clicks = Array.from({ length: 40 }, (_, minute) => ({ productid: 7, at: now - minute * 60_000 }));
    await this.#table.append([...clicks, { productid: 3 }, { productid: 3 }, { productid: 11 }]);
    await this.app.startHost();
    this.#browser = await chromium.launch({ executablePath: requiredChromium(), args: chromiumArguments });
  }

  async stop(): Promise<void> {
    await this.#browser?.close();
    await this.app.stop();
  }

  async closePage(): Promise<void> {
    await this.#page?.context().close();
    this.#page = undefined;
  }

  /** @param rest what follows the dashboard's path in the address */
  async open(
    options: BrowserContextOptions = {},
    rest = '',
    prepare?: (page: Page) => Promise<void>,
  ): Promise<Page> {
    if (!this.#browser) throw new Error('There is no browser.');
    const context = await this.#browser.newContext(options);
    const page = await context.newPage();
    this.#page = page;
    this.problems = [];
    this.requests = [];
    page.on('console', (message) => {
      if (message.type() === 'error') this.problems.push(message.text());
    });
    page.on('pageerror', (error) => this.problems.push(error.message));
    page.on('request', (request) => this.requests.push(new URL(request.url())));
    await prepare?.(page);
    await page.goto(`${this.app.url}/api/dashboard${rest}`);
    return page;
  }

  /** The answer of the API that the page asks, too. */
  async api<T>(path: string, accept = 'application/json'): Promise<T> {
    const reply = await fetch(`${this.app.url}/api/${path}`, { headers: { accept } });
    return (accept === 'text/csv' ? await reply.text() : await reply.json()) as T;
  }
}

export const untilState = (opened: Page, state: string) =>
  opened.waitForSelector(`body[data-connection=${state}]`, patience);
export const untilTotal = (opened: Page, clicks: number) =>
  opened.waitForSelector(`#total:text-is("${clicks}")`, patience);
/** Until everything that was chosen is shown. */
export const untilShown = (opened: Page) =>
  opened.waitForSelector('#numbers:not([hidden])[aria-busy=false]', patience);

/** What axe finds on a page that was opened with `bypassCSP`: the page's policy would block the checker. */
export async function seriousViolations(opened: Page): Promise<string[]> {
  await opened.addScriptTag({ content: readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8') });
  const { violations } = (await opened.evaluate('axe.run()')) as {
    violations: { id: string; impact: string; nodes: { html: string }[] }[];
  };
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  return serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}
