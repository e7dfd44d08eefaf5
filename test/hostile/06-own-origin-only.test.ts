// Attack class 6: decrypted bytes leave through a side feature: an icon, a check of a URL, a redirect.
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { webTransport } from '../../workers/transport/web.ts';
import { HostileServer } from '../fakes/hostile-server.ts';
import { startEngine } from '../fixtures/engine.ts';

const workers = join(import.meta.dirname, '../../workers');
const password = 'correct horse battery staple';

describe('the engine talks to its own origin alone', () => {
  const servers: Server[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) await new Promise((closed) => server.close(closed));
  });

  async function listen(answer: (url: string) => { status: number; headers?: Record<string, string> }) {
    const urls: string[] = [];
    const server = createServer((request, response) => {
      urls.push(request.url ?? '');
      const { status, headers } = answer(request.url ?? '');
      response.writeHead(status, headers).end();
    });
    servers.push(server);
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    return { urls, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  }

  test('records with addresses in every field cause no request to any of them', async () => {
    const server = await HostileServer.start();
    const bait = await listen(() => ({ status: 200 }));
    const engine = await startEngine(server.origin, { transport: server.transport });
    await engine.draftRecoveryPhrase();
    await engine.createAccount({ email: 'bait@example.test', password });
    const value = [`${bait.origin}/stolen`];
    const types = ['url', 'login', 'password', 'text', 'secret'];
    const fields = types.map((type) => ({ type, value }));
    const uid = await engine.saveRecord({
      content: { type: 'login', title: value[0] ?? '', notes: value[0] ?? '', fields },
    });
    await engine.listRecords({ query: 'stolen' });
    await engine.readRecord(uid);
    await engine.revealField({ recordUid: uid, field: { group: 'fields', index: 0 } });
    await engine.syncNow();
    await engine.close();
    expect(bait.urls).toEqual([]);
    expect(server.urls.length).toBeGreaterThan(4);
    for (const url of server.urls) expect(new URL(url).origin).toBe(server.origin);
  });

  test('a redirect is not followed', async () => {
    const elsewhere = await listen(() => ({ status: 200 }));
    const server = await listen((url) => ({ status: 307, headers: { location: elsewhere.origin + url } }));
    const engine = await startEngine(server.origin, { transport: webTransport });
    await expect(engine.getServerInfo()).rejects.toMatchObject({ name: 'offline' });
    await engine.draftRecoveryPhrase();
    const creation = engine.createAccount({ email: 'a@example.test', password });
    await expect(creation).rejects.toMatchObject({ name: 'offline' });
    await engine.close();
    expect(server.urls.length).toBeGreaterThan(0);
    expect(elsewhere.urls).toEqual([]);
  });

  test('one file of the workers knows how to reach a network', () => {
    const reaching =
      /(?<!#)\b(fetch|WebSocket|XMLHttpRequest|EventSource|sendBeacon|importScripts|WebTransport)\s*\(/;
    const files = readdirSync(workers, { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.ts'),
    );
    const found = files.filter((file) => reaching.test(readFileSync(join(workers, file), 'utf8')));
    expect(found).toEqual(['transport/web.ts']);
  });
});
