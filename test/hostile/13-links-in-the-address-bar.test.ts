// Attack class 13, after the link was followed: whoever looks at the tab, goes through its history, or reads what the page
// says of its address, looks for the secret that stood there. The vault's own code in real Chromium.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { chromium, type Browser, type Page } from 'playwright';
import { build, type Plugin, type Rolldown } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumLaunch } from '../chromium.ts';

const web = join(import.meta.dirname, '../../web');
/** As web/main.ts begins, and what it took from the address. */
const entry = `
  import { EntryAddress } from '${web}/account/entry-address.svelte.ts';
  import { ShareAddress } from '${web}/share/share-address.svelte.ts';
  const share = new ShareAddress();
  const entry = new EntryAddress();
  globalThis.taken = () => share.link ?? entry.invitation ?? entry.setupToken;`;
/** What reports of errors, counters of visits and the like tell. The timing of the load itself keeps the address: docs/security.md */
const telling = `
  const said = [location.href, document.URL, document.baseURI, document.referrer, JSON.stringify(history.state)];
  const timed = performance.getEntriesByType('resource').map(({ name }) => name);
  await fetch('/told', { method: 'POST', body: [...said, ...timed].join(' ') });
  document.title = 'told';`;

let site: Server;
let browser: Browser;
let origin: string;
/** Every request: address, headers and body. */
const seen: string[] = [];

async function bundled(): Promise<string> {
  const id = 'virtual:links';
  const links: Plugin = {
    name: 'links',
    resolveId: (source) => (source === id ? id : null),
    load: (source) => (source === id ? entry : null),
  };
  const made = (await build({
    ...{ configFile: false, logLevel: 'error', root: web },
    plugins: [links, svelte({ configFile: false, compilerOptions: { runes: true } })],
    build: { write: false, rolldownOptions: { input: id } },
  })) as Rolldown.RolldownOutput;
  return made.output[0].code;
}

beforeAll(async () => {
  const files = new Map([
    [
      '/',
      '<!doctype html><script type="module" src="/vault.js"></script><script type="module" src="/telling.js"></script>',
    ],
    ['/vault.js', await bundled()],
    ['/telling.js', telling],
    ['/elsewhere', '<!doctype html><title>elsewhere</title>'],
  ]);
  site = createServer(async (request, response) => {
    const path = request.url ?? '/';
    seen.push(path, JSON.stringify(request.headers));
    for await (const part of request) seen.push(String(part));
    const type = path.endsWith('.js') ? 'text/javascript' : 'text/html';
    response.writeHead(200, { 'content-type': type }).end(files.get(path) ?? '');
  });
  await new Promise<void>((ready) => site.listen(0, '127.0.0.1', ready));
  origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
  browser = await chromium.launch(chromiumLaunch);
});
afterAll(async () => {
  await browser.close();
  await new Promise((closed) => site.close(closed));
});

const taken = (tab: Page) =>
  tab.evaluate(() => (globalThis as unknown as { taken(): string | null }).taken());

describe.each([
  ['share', 's'.repeat(64)],
  ['invitation', 'i'.repeat(107)],
  ['setup', 't'.repeat(43)],
])('the secret of a link of #%s=', (name, secret) => {
  const link = `#${name}=${secret}`;

  test('is in no address, no entry of the history and nothing that the page tells of itself', async () => {
    const tab = await browser.newPage();
    await tab.goto(`${origin}/elsewhere`);
    await tab.goto(`${origin}/${link}`);
    await tab.waitForFunction(() => document.title === 'told');
    expect(await taken(tab)).toBe(secret);
    expect(tab.url()).toBe(`${origin}/`);
    await tab.reload();
    await tab.waitForFunction(() => document.title === 'told');
    expect(await taken(tab)).toBeNull();
    await tab.goto(`${origin}/elsewhere`);
    await tab.goBack();
    expect(tab.url()).toBe(`${origin}/`);
    expect(await taken(tab)).toBeNull();
    await tab.goBack();
    expect(tab.url()).toBe(`${origin}/elsewhere`);
    await tab.close();
    expect(seen.filter((text) => text.includes(secret))).toEqual([]);
  });

  test('that is followed in an open tab is in none either', async () => {
    const tab = await browser.newPage();
    await tab.goto(`${origin}/`);
    await tab.evaluate((hash) => (location.hash = hash), link);
    await expect.poll(() => taken(tab)).toBe(secret);
    expect(tab.url()).toBe(`${origin}/`);
    await tab.goBack();
    expect(tab.url()).toBe(`${origin}/`);
    await tab.goForward();
    expect(tab.url()).toBe(`${origin}/`);
    await tab.close();
  });
});

test('the search would have found it', () => {
  expect(seen.some((text) => text.includes(`${origin}/`))).toBe(true);
});
