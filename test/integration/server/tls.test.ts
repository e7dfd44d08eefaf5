import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { execFile } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { Agent, get, request as httpsRequest } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { verifyServerKeys } from '../../../protocol/transmission/server-keys.ts';
import { readConfig } from '../../../server/config.ts';
import { createLogger } from '../../../server/log/logger.ts';
import { makeCertificate, type TestCertificate } from '../../fixtures/certificate.ts';
import { openVaultLink } from '../../fixtures/link-client.ts';
import { startServerProcess } from '../../fixtures/server-process.ts';
import { startTestServer } from '../../fixtures/server.ts';

let folder: string;
let files: TestCertificate;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-tls-'));
  files = makeCertificate(join(folder, 'first'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function read(url: string, ca: Buffer, agent: Agent | false = false) {
  const request = get(url, { ca, agent });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return { status: response.statusCode, headers: response.headers, body: await buffer(response) };
}

/** Of the certificate that a new connection is shown. */
async function fingerprintAt(port: number): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

test('with TLS_CERT and TLS_KEY the server speaks TLS itself: pages, calls and links', async () => {
  const { certificate: TLS_CERT, key: TLS_KEY } = files;
  const ca = readFileSync(TLS_CERT);
  const server = await startTestServer({ tls: readConfig({ TLS_CERT, TLS_KEY }).tls });
  try {
    expect(server.url).toBe(`https://127.0.0.1:${server.port}`);
    const { status, headers } = await read(`${server.url}/healthz`, ca);
    expect(status).toBe(200);
    expect(headers['strict-transport-security']).toContain('max-age=');
    const keys = await read(`${server.url}/api/v1/server-keys`, ca);
    expect(keys.headers['set-cookie']?.[0]).toContain('; Secure');
    const { key: serverKey } = verifyServerKeys(keys.body, null);
    const link = await openVaultLink({ url: server.url, serverKey }, { ca });
    expect((await link.next('challenge')).nonce).toHaveLength(32);
    link.socket.terminate();
    await expect(fetch(`http://127.0.0.1:${server.port}/healthz`)).rejects.toThrow();
    const stranger = get(`${server.url}/healthz`, { agent: false });
    await expect(once(stranger, 'response')).rejects.toThrow('self-signed');
  } finally {
    await server.close();
  }
});

test('a renewed certificate is for new connections; those that are there stay; a wrong one changes nothing', async () => {
  const used = { certificate: join(folder, 'used.pem'), key: join(folder, 'used-key.pem') };
  const use = (from: TestCertificate) => {
    for (const name of ['key', 'certificate'] as const) {
      copyFileSync(from[name], `${used[name]}.new`);
      renameSync(`${used[name]}.new`, used[name]);
    }
  };
  use(files);
  const lines: string[] = [];
  const events = () => lines.map((line) => JSON.parse(line).event as string);
  const log = createLogger('info', undefined, { write: (line) => void lines.push(line) });
  const server = await startTestServer({ tls: used }, { log });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    const ca = readFileSync(files.certificate);
    const first = await fingerprintAt(server.port);
    const { body } = await read(`${server.url}/api/v1/server-keys`, ca, agent);
    const link = await openVaultLink(
      { url: server.url, serverKey: verifyServerKeys(body, null).key },
      { ca },
    );
    await link.next('challenge');

    const second = makeCertificate(join(folder, 'second'));
    use(second);
    await expect.poll(events, { timeout: 30_000 }).toContain('certificate-reloaded');
    expect(await fingerprintAt(server.port)).not.toBe(first);
    expect((await read(`${server.url}/healthz`, readFileSync(second.certificate))).status).toBe(200);
    expect((await read(`${server.url}/healthz`, ca, agent)).status).toBe(200); // on its connection of before
    const answered = once(link.socket, 'pong');
    link.socket.ping();
    await answered;
    link.socket.terminate();

    copyFileSync(files.key, used.key);
    server.reloadCertificate();
    expect(events()).toContain('certificate-not-reloaded');
    expect(lines.join('')).toContain('is not the key of the certificate');
    expect((await read(`${server.url}/healthz`, readFileSync(second.certificate))).status).toBe(200);
    copyFileSync(files.certificate, used.certificate);
    server.reloadCertificate(); // as SIGHUP does
    expect(await fingerprintAt(server.port)).toBe(first);
  } finally {
    agent.destroy();
    await server.close();
  }
});

test('SIGHUP renews the certificate of a running server, and no connection ends; a broken one leaves the former', async () => {
  // Where the server watches, are links: of what they lead to it hears by the signal alone.
  const [linked, kept] = ['linked', 'kept'].map((name) => join(folder, name)) as [string, string];
  const place = (within: string) => ({
    certificate: join(within, 'certificate.pem'),
    key: join(within, 'key.pem'),
  });
  const [TLS, used] = [place(linked), place(kept)];
  const [first, second, third] = ['signal-1', 'signal-2', 'signal-3'].map((name) =>
    makeCertificate(join(folder, name)),
  ) as [TestCertificate, TestCertificate, TestCertificate];
  for (const path of [linked, kept]) mkdirSync(path);
  const names = ['certificate', 'key'] as const;
  const use = (from: TestCertificate) => names.forEach((name) => copyFileSync(from[name], used[name]));
  use(first);
  for (const name of names) symlinkSync(used[name], TLS[name]);
  const lines: string[] = [];
  const dataFolder = mkdtempSync(join(tmpdir(), 'sallyport-signal-'));
  const server = await startServerProcess(
    { SALLYPORT_DATA: dataFolder, TLS_CERT: TLS.certificate, TLS_KEY: TLS.key, LOG_LEVEL: 'info' },
    [],
    (line) => void lines.push(line),
  );
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    const port = Number(new URL(server.url).port);
    const caOf = ({ certificate }: TestCertificate) => readFileSync(certificate);
    const printOf = (one: TestCertificate) => new X509Certificate(caOf(one)).fingerprint256;
    /** What the log says that it said not before. */
    const signal = async () => {
      const before = lines.length;
      server.child.kill('SIGHUP');
      const said = () => lines.slice(before).filter((line) => line.includes('"event":"certificate-'));
      await expect.poll(said).toHaveLength(1);
      return said()[0];
    };

    const ca = caOf(first);
    const { body } = await read(`${server.url}/api/v1/server-keys`, ca, agent);
    const link = await openVaultLink(
      { url: server.url, serverKey: verifyServerKeys(body, null).key },
      { ca },
    );
    await link.next('challenge');
    const headers = { 'content-length': 4 };
    const slow = httpsRequest(`${server.url}/api/rest/sm/v1/get_secret`, { method: 'POST', ca, headers });
    slow.write('ab');
    await once(slow, 'socket').then(([socket]) => once(socket as TLSSocket, 'secureConnect'));

    use(second);
    expect(await fingerprintAt(port)).toBe(printOf(first));
    expect(await signal()).toContain('certificate-reloaded');
    expect(await fingerprintAt(port)).toBe(printOf(second));
    await expect(read(`${server.url}/healthz`, ca)).rejects.toThrow('self-signed');
    const again = get(`${server.url}/healthz`, { ca, agent });
    const [response] = (await once(again, 'response')) as [IncomingMessage];
    expect([response.statusCode, again.reusedSocket]).toEqual([200, true]);
    response.resume();
    const answered = once(link.socket, 'pong');
    link.socket.ping();
    await answered;
    slow.end('cd');
    const [refused] = (await once(slow, 'response')) as [IncomingMessage];
    expect(refused.statusCode).toBe(400);
    refused.resume();

    const broken: [() => void, string][] = [
      [() => writeFileSync(used.certificate, 'half a fi'), 'certificate.pem is not a PEM file'],
      [() => rmSync(used.certificate), 'certificate.pem: there is no such file'],
      [() => copyFileSync(third.certificate, used.certificate), 'is not the key of the certificate'],
      [() => writeFileSync(used.key, caOf(third)), 'key.pem holds no private key'],
    ];
    for (const [spoil, cause] of broken) {
      spoil();
      const said = await signal();
      expect(said).toContain('certificate-not-reloaded');
      expect(said).toContain(cause);
      expect(await fingerprintAt(port)).toBe(printOf(second));
    }
    use(third);
    expect(await signal()).toContain('certificate-reloaded');
    expect(await fingerprintAt(port)).toBe(printOf(third));
    expect(link.socket.readyState).toBe(link.socket.OPEN);
    link.socket.terminate();
  } finally {
    agent.destroy();
    expect(await server.stop()).toBe(0);
    rmSync(dataFolder, { recursive: true, force: true });
  }
});

test('--self-signed makes a certificate once, says which, and binds no browser to TLS', async () => {
  const dataFolder = mkdtempSync(join(tmpdir(), 'sallyport-self-signed-'));
  const fingerprints: string[] = [];
  for (let i = 0; i < 2; i++) {
    const server = await startServerProcess({ SALLYPORT_DATA: dataFolder }, ['--self-signed']);
    const { port } = new URL(server.url);
    expect(server.url).toMatch(/^https:/);
    const ca = readFileSync(server.selfSigned?.file ?? '');
    const { status, headers } = await read(`https://localhost:${port}/healthz`, ca);
    expect(status).toBe(200);
    expect(headers['strict-transport-security']).toBeUndefined();
    expect(server.selfSigned?.fingerprint).toBe(await fingerprintAt(Number(port)));
    fingerprints.push(server.selfSigned?.fingerprint ?? '');
    expect(await server.stop()).toBe(0);
  }
  expect(new Set(fingerprints).size).toBe(1);
  rmSync(dataFolder, { recursive: true });
});

test('what the certificate lacks ends the start with its name', async () => {
  const main = join(import.meta.dirname, '../../../server/main.ts');
  const start = (settings: Record<string, string>, ...args: string[]) =>
    new Promise<string>((resolve) => {
      const env = { ...process.env, SALLYPORT_DATA: join(folder, 'none'), SALLYPORT_PORT: '0', ...settings };
      execFile(process.execPath, [main, ...args], { env }, (_error, _out, words) => resolve(words));
    });
  const { certificate: TLS_CERT, key: TLS_KEY } = files;
  const other = makeCertificate(join(folder, 'third'));
  expect(await start({ TLS_CERT, TLS_KEY }, '--self-signed')).toMatch(
    /^sallyport server: --self-signed: leave it out/,
  );
  expect(await start({ TLS_CERT, TLS_KEY: other.key })).toMatch(
    /^sallyport server: TLS_KEY: .* is not the key of/,
  );
  expect(await start({ TLS_CERT: join(folder, 'no'), TLS_KEY })).toMatch(
    /^sallyport server: TLS_CERT: cannot read/,
  );
});
