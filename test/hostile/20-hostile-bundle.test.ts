// Attack class 20: between a server that is honest and a browser stands a cache or a proxy that changes what the vault is
// made of. Real Chromium; what the browser ran is what it put into its title.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser } from 'playwright';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { compareSites, hashSite, sealSite } from '../../scripts/build/site-integrity.ts';
import { chromiumLaunch } from '../chromium.ts';
import { startTestServer, type TestServer } from '../fixtures/server.ts';

const page = `<!doctype html><title>start</title>
<link rel="stylesheet" crossorigin href="/assets/vault-1.css">
<script type="module" crossorigin src="/assets/vault-1.js"></script>
<p>vault</p>`;
/** Text does not become code, in the vault's own script neither. */
const honest = `
const runs = (make) => { try { make(); return true; } catch { return false; } };
const code = runs(() => eval('1')) || runs(() => new Function('return 1')());
document.title = code ? 'text became code' : 'honest';`;
const stolen = "document.title = 'stolen';";

/** Changes one answer on its way; null leaves it as it is. */
type Meddling = (path: string, body: Buffer) => string | null;

describe('a changed bundle does not run', () => {
  let site: string;
  let server: TestServer;
  let browser: Browser;
  let middle: Server | null = null;

  beforeAll(async () => {
    site = mkdtempSync(join(tmpdir(), 'sallyport-bundle-'));
    mkdirSync(join(site, 'assets'));
    writeFileSync(join(site, 'index.html'), page);
    writeFileSync(join(site, 'assets/vault-1.js'), honest);
    writeFileSync(join(site, 'assets/vault-1.css'), 'p { color: rgb(1, 2, 3); }');
    sealSite(site);
    server = await startTestServer({ siteFolder: site });
    browser = await chromium.launch(chromiumLaunch);
  });
  afterEach(async () => {
    const closing = middle;
    middle = null;
    if (closing) await new Promise((closed) => closing.close(closed));
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
    rmSync(site, { recursive: true });
  });

  /** An address that gives what the server gives, headers and all, with one answer changed. */
  async function behind(meddle: Meddling): Promise<string> {
    middle = createServer(async (request, response) => {
      const answer = await fetch(`${server.url}${request.url ?? '/'}`);
      const body = Buffer.from(await answer.arrayBuffer());
      const headers = Object.fromEntries(
        [...answer.headers].filter(
          ([name]) => !/^(content-(length|encoding)|transfer|connection|keep)/.test(name),
        ),
      );
      response.writeHead(answer.status, headers).end(meddle(request.url ?? '/', body) ?? body);
    });
    const listening = middle;
    await new Promise<void>((ready) => listening.listen(0, '127.0.0.1', ready));
    return `http://127.0.0.1:${(listening.address() as AddressInfo).port}/`;
  }

  async function titleAt(address: string): Promise<string> {
    const context = await browser.newContext();
    const tab = await context.newPage();
    await tab.goto(address, { waitUntil: 'networkidle' });
    const title = await tab.title();
    await context.close();
    return title;
  }

  test('untouched it runs', async () => {
    expect(await titleAt(await behind(() => null))).toBe('honest');
  });

  test('a changed script is refused by its hash', async () => {
    const address = await behind((path) => (path.endsWith('.js') ? stolen : null));
    expect(await titleAt(address)).toBe('start');
  });

  test('a changed style sheet is refused by its hash', async () => {
    const address = await behind((path) => (path.endsWith('.css') ? 'p { color: rgb(9, 9, 9); }' : null));
    const tab = await browser.newPage();
    await tab.goto(address, { waitUntil: 'networkidle' });
    expect(await tab.locator('p').evaluate((element) => getComputedStyle(element).color)).toBe(
      'rgb(0, 0, 0)',
    );
    await tab.close();
  });

  test.each([
    ['an inline script', `<script>${stolen}</script>`],
    ['an event handler', `<img src="/none.png" onerror="${stolen}">`],
    ['a script of another origin', '<script src="http://127.0.0.1:1/stolen.js"></script>'],
    [
      'a script in a data address',
      `<script src="data:text/javascript,${encodeURIComponent(stolen)}"></script>`,
    ],
    ['a base that moves every address', '<base href="http://127.0.0.1:1/">'],
    ['a frame with a page of its own', `<iframe srcdoc="<script>parent.${stolen}</script>"></iframe>`],
  ])('%s in the page does not run', async (_, added) => {
    const address = await behind((path, body) =>
      path === '/' ? body.toString().replace('<p>', `${added}<p>`) : null,
    );
    expect(await titleAt(address)).toBe('honest');
  });

  test('markup, scripts and workers made of text are refused without a policy of the vault', async () => {
    const tab = await browser.newPage();
    await tab.goto(`${server.url}/`, { waitUntil: 'networkidle' });
    const refused = await tab.evaluate(() => {
      const attempts: Readonly<Record<string, () => void>> = {
        markup: () => (document.body.innerHTML = '<b>x</b>'),
        script: () => {
          document.createElement('script').src = '/assets/vault-1.js';
        },
        worker: () => new Worker(URL.createObjectURL(new Blob(['1']))),
        policy: () => {
          const { trustedTypes } = globalThis as unknown as {
            trustedTypes: { createPolicy(name: string): void };
          };
          trustedTypes.createPolicy('thief');
        },
      };
      return Object.keys(attempts).filter((name) => {
        try {
          attempts[name]?.();
          return false;
        } catch {
          return true;
        }
      });
    });
    expect(refused).toEqual(['markup', 'script', 'worker', 'policy']);
    await tab.close();
  });

  test('whoever builds the same sources sees a changed, an added and a missing file', () => {
    const built = hashSite(site);
    expect(Object.keys(built)).toEqual(['assets/vault-1.css', 'assets/vault-1.js', 'index.html']);
    expect(compareSites(built, built)).toEqual([]);
    const served = { ...built, 'assets/vault-1.js': 'another', 'index.html': null };
    expect(compareSites(built, served)).toEqual([
      'assets/vault-1.js is another file',
      'index.html is missing',
    ]);
    expect(JSON.parse(readFileSync(join(site, 'hashes.json'), 'utf8'))).toEqual(built);
  });
});
