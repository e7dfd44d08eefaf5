import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { RecordService } from '../../../protocol/messages/gen/record_pb.js';
import { verifyServerKeys } from '../../../protocol/transmission/server-keys.ts';
import { rotateKeys } from '../../../server/keys/key-file.ts';
import { startEmbeddedPostgres } from '../../../server/store/embedded-postgres.ts';
import { ApiClient } from '../../fixtures/api-client.ts';
import { enrolGateway, putRecord, secretsClient } from '../../fixtures/application.ts';
import { joinVault, openGatewayLink } from '../../fixtures/link-client.ts';
import { startServerProcess } from '../../fixtures/server-process.ts';
import { startTestServer } from '../../fixtures/server.ts';

const password = 'correct horse battery';

test('while the store is away every call says so, and goes on when it is back', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-away-'));
  chmodSync(folder, 0o711); // so that the store's account gets to its socket there, each time at the same path
  let postgres = await startEmbeddedPostgres({ folder });
  const { host, user, database } = postgres.connection;
  const databaseUrl = `postgres:///${database}?host=${encodeURIComponent(host)}&user=${user}`;
  const server = await startTestServer({ databaseUrl, logLevel: 'silent' });
  try {
    const vault = await ApiClient.connect(server.url);
    await vault.register('away@example.test', password);
    const { clientId, privateKey, application } = await enrolGateway(vault);
    const secrets = secretsClient(vault, clientId, privateKey, application.appKey);
    await postgres.stop();
    const unavailable = { code: 'unavailable' };
    await expect(vault.call(RecordService.method.sync, {})).rejects.toMatchObject(unavailable);
    // Programs come back by themselves when they are told when; some forget who they are at any other refusal.
    await expect(secrets.getSecret()).rejects.toThrow('throttled');
    postgres = await startEmbeddedPostgres({ folder });
    await vault.call(RecordService.method.sync, {});
    await secrets.getSecret();
  } finally {
    await server.close();
    await postgres.stop();
    rmSync(folder, { recursive: true });
  }
});

test('keys that were rotated are offered to new clients, and old ones go on with theirs', async () => {
  const server = await startTestServer();
  try {
    const old = await ApiClient.connect(server.url);
    await old.register('old@example.test', password);
    const gateway = await enrolGateway(old);
    rotateKeys(server.config.dataFolder, Date.now());
    server.reloadKeys();
    const young = await ApiClient.connect(server.url);
    expect(young.serverKey.id).toBe(old.serverKey.id + 1);
    await young.login('old@example.test', password);
    await old.call(RecordService.method.sync, {});
    await joinVault(old);
    await (await openGatewayLink(server.url, gateway)).next('roster');
    await secretsClient(old, gateway.clientId, gateway.privateKey, gateway.application.appKey).getSecret();
  } finally {
    await server.close();
  }
});

test('a stopping server answers what it has begun, keeps no idle connection waiting, and leaves nothing behind', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-stop-'));
  const settings = { SALLYPORT_DATA: folder, OPEN_SIGN_UP: 'true' };
  const server = await startServerProcess(settings);
  try {
    const vault = await ApiClient.connect(server.url);
    await vault.register('stop@example.test', password);
    const link = await joinVault(vault);
    const idle = new Agent({ keepAlive: true });
    const first = request(`${server.url}/healthz`, { agent: idle });
    first.end();
    const [response] = (await once(first, 'response')) as [NodeJS.ReadableStream];
    await text(response);
    const writes = Array.from({ length: 20 }, (_, i) =>
      putRecord(vault, `record ${i}`).then(
        () => true,
        () => false,
      ),
    );
    await Promise.race(writes);
    const began = performance.now();
    const code = await server.stop();
    expect(code).toBe(0);
    expect(performance.now() - began).toBeLessThan(8_000);
    expect((await link.next('closing')).code).toBe('unavailable');
    const acknowledged = (await Promise.all(writes)).filter(Boolean).length;
    idle.destroy();
    const again = await startServerProcess(settings);
    vault.url = again.url;
    const { records } = await vault.call(RecordService.method.sync, {});
    expect(records.length).toBeGreaterThanOrEqual(acknowledged);
    expect(acknowledged).toBeGreaterThan(0);
    expect(await again.stop()).toBe(0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

const runMain = async (args: string[], settings: Record<string, string>) => {
  const path = join(import.meta.dirname, '../../../server/main.ts');
  const env = { PATH: process.env['PATH'] ?? '', ...settings };
  const child = spawn(process.execPath, [path, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { out, err, code: code as number };
};

test('the command line explains itself, names a wrong key, and rotates keys', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-main-'));
  try {
    const help = await runMain(['--help'], {});
    expect(help).toMatchObject({ code: 0, err: '' });
    for (const name of ['SALLYPORT_PORT', 'DATABASE_URL', 'TLS_CERT', 'rotate-keys'])
      expect(help.out).toContain(name);
    expect(await runMain([], { SALLYPORT_PORT: 'x' })).toMatchObject({
      code: 1,
      out: '',
      err: 'sallyport server: SALLYPORT_PORT: must be 0 to 65535\n',
    });
    expect((await runMain(['dance'], {})).err).toContain('dance: there is no such command');
    expect((await runMain(['--dance'], {})).code).toBe(1);
    const rotated = await runMain(['rotate-keys'], { SALLYPORT_DATA: folder });
    expect(rotated.out).toContain('transmission key 21 is current');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('two servers cannot use one data folder, and the second says so', async () => {
  const server = await startTestServer();
  try {
    const second = await runMain([], { SALLYPORT_DATA: server.config.dataFolder, SALLYPORT_PORT: '0' });
    expect(second.code).toBe(1);
    expect(second.err).toContain('is in use by another server');
  } finally {
    await server.close();
  }
});

test('behind an https address, cookies are Secure and browsers are told to stay with it', async () => {
  const server = await startTestServer({ publicUrl: 'https://vault.example.test' });
  try {
    const response = await fetch(`http://127.0.0.1:${server.port}/healthz`);
    expect(response.headers.get('strict-transport-security')).toContain('max-age=');
    expect(response.headers.get('set-cookie')).toBeNull();
    const keys = await fetch(`http://127.0.0.1:${server.port}/api/v1/server-keys`);
    expect(keys.headers.get('set-cookie')).toContain('; Secure');
    expect(keys.headers.get('content-security-policy')).toContain(
      "connect-src 'self' wss://vault.example.test;",
    );
    verifyServerKeys(new Uint8Array(await keys.arrayBuffer()), null);
    expect(server.url).toBe('https://vault.example.test');
  } finally {
    await server.close();
  }
});
