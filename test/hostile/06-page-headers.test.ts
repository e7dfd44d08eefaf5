// Attack classes 6 and 20, the server's side: what the page may load, run, and send to.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import WebSocket from 'ws';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../fixtures/server.ts';

describe('page headers', () => {
  let server: TestServer;
  let site: string;
  beforeAll(async () => {
    site = mkdtempSync(join(tmpdir(), 'sallyport-site-'));
    mkdirSync(join(site, 'assets'));
    writeFileSync(join(site, 'index.html'), '<!doctype html><title>vault</title>');
    writeFileSync(join(site, 'assets', 'app-1234.js'), 'export {};');
    writeFileSync(join(site, 'assets', 'app-1234.js.br'), brotliCompressSync('export {};'));
    server = await startTestServer({ siteFolder: site });
  });
  afterAll(async () => {
    await server.close();
    rmSync(site, { recursive: true });
  });

  const policyOf = (response: Response) =>
    Object.fromEntries(
      (response.headers.get('content-security-policy') ?? '').split('; ').map((directive) => {
        const [name = '', ...sources] = directive.split(' ');
        return [name, sources];
      }),
    );

  test.each([
    '/',
    '/records/some-page',
    '/assets/app-1234.js',
    '/no-such-file.js',
    '/api/v1/server-keys',
    '/healthz',
  ])('every response is under the strict policy: %s', async (path) => {
    const response = await fetch(server.url + path);
    const policy = policyOf(response);
    expect(policy['default-src']).toEqual(["'none'"]);
    expect(policy['script-src']).toEqual(["'self'", "'wasm-unsafe-eval'"]);
    expect(policy['connect-src']).toEqual(["'self'", server.url.replace('http', 'ws')]);
    expect(policy['img-src']).toEqual(["'self'", 'data:', 'blob:']);
    expect(policy['require-trusted-types-for']).toEqual(["'script'"]);
    for (const closed of ['base-uri', 'form-action', 'frame-ancestors'])
      expect(policy[closed]).toEqual(["'none'"]);
    expect(JSON.stringify(policy)).not.toMatch(/unsafe-inline|unsafe-eval'"\]?,? ?"'unsafe-eval|\*|https?:/);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('referrer-policy')).toBe('no-referrer');
    expect(response.headers.get('cross-origin-opener-policy')).toBe('same-origin');
    expect(response.headers.get('cross-origin-resource-policy')).toBe('same-origin');
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
  });

  test('a Host header cannot write itself into the policy', async () => {
    const { port } = server;
    const { request } = await import('node:http');
    const policy = await new Promise<string>((resolve, reject) => {
      const sent = request({
        port,
        host: '127.0.0.1',
        headers: { host: "evil.test; script-src 'unsafe-inline'" },
      });
      sent.once('response', (response) => {
        response.resume();
        resolve(String(response.headers['content-security-policy']));
      });
      sent.once('error', reject);
      sent.end();
    });
    expect(policy).not.toContain('evil.test');
    expect(policy).not.toContain('unsafe-inline');
  });

  test('a page of another origin cannot open a link', async () => {
    for (const path of ['/api/v1/vault-link', '/api/v1/gateway-link']) {
      const socket = new WebSocket(server.url.replace('http', 'ws') + path, { origin: 'https://evil.test' });
      const opened = await new Promise<string>((resolve) => {
        socket.on('error', () => resolve('refused'));
        socket.on('close', () => resolve('refused'));
        socket.on('message', () => resolve('spoken to'));
      });
      expect(opened).toBe('refused');
    }
  });

  test('the worker cookie is opaque and out of reach of scripts and other sites', async () => {
    const response = await fetch(server.url);
    expect(response.headers.get('set-cookie')).toMatch(
      /^sallyport-worker=[\w-]{12}; Max-Age=604800; Path=\/; HttpOnly; SameSite=Strict$/,
    );
  });

  test('files outside the site are out of reach', async () => {
    for (const path of [
      '/../server-keys.json',
      '/..%2fserver-keys.json',
      '/%2e%2e/%2e%2e/etc/passwd',
      '/assets/..%5c..',
    ]) {
      const response = await fetch(server.url + path);
      expect(await response.text()).not.toMatch(/identityKey|root:/);
    }
  });

  test('hashed assets are cached for ever and come compressed, the page is asked for each time', async () => {
    const asset = await fetch(`${server.url}/assets/app-1234.js`, { headers: { 'accept-encoding': 'br' } });
    expect(asset.headers.get('cache-control')).toContain('immutable');
    expect(asset.headers.get('content-encoding')).toBe('br');
    expect(await asset.text()).toBe('export {};');
    for (const path of ['/', '/records/x']) {
      const page = await fetch(server.url + path);
      expect(page.headers.get('cache-control')).toBe('no-cache');
      expect(await page.text()).toContain('<title>vault</title>');
    }
    const missing = await fetch(`${server.url}/assets/app-9999.js`);
    expect(missing.status).toBe(404);
    expect(missing.headers.get('cache-control') ?? '').not.toContain('immutable');
  });
});
