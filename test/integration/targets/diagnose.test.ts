import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LegReport } from '../../../scripts/diagnose/legs.ts';
import { diagnoseInstallation } from '../../../scripts/diagnose/operator-legs.ts';
import { trustSelfSigned } from '../../../scripts/diagnose/self-signed-trust.ts';
import { freePort } from '../../../scripts/process/guacd.ts';
import type { Config } from '../../../server/config.ts';
import { makeCertificate } from '../../fixtures/certificate.ts';
import { startCoturn, type Coturn } from '../../fixtures/coturn.ts';
import { startTestServer, type TestServer } from '../../fixtures/server.ts';
import { nobodysPort } from '../../fixtures/nobodys-port.ts';

describe('npm run diagnose', () => {
  let coturn: Coturn;
  let server: TestServer;
  /** Says what guacd would. */
  let guacd: Server;

  beforeAll(async () => {
    coturn = await startCoturn();
    const { urls, secret } = coturn;
    server = await startTestServer({ relay: { urls, secret, lifetimeSeconds: 60 } });
    guacd = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', () => socket.write('4.args,13.VERSION_1_3_0;'));
    }).listen(0, '127.0.0.1');
    await once(guacd, 'listening');
  });
  afterAll(async () => {
    guacd?.close();
    await Promise.all([server?.close(), coturn?.stop()]);
  });

  const guacdPort = () => (guacd.address() as AddressInfo).port;

  async function diagnose(changes: Partial<Config> = {}, port: number | null = guacdPort()) {
    const reports: LegReport[] = [];
    const failed = await diagnoseInstallation({
      config: { ...server.config, publicUrl: server.url, ...changes },
      guacd: port === null ? null : { host: '127.0.0.1', port },
      signal: AbortSignal.timeout(60_000),
      report: (report) => reports.push(report),
    });
    return { failed, reports, of: (leg: string) => reports.find((report) => report.leg.startsWith(leg)) };
  }

  test('a whole installation has every leg ok, but what it does without', async () => {
    const { failed, reports, of } = await diagnose();
    expect(failed).toBe(0);
    expect(of('TLS')?.result).toBe('not configured');
    expect(reports.filter(({ result }) => result !== 'ok').map(({ leg }) => leg)).toEqual(['TLS']);
    expect(reports.map(({ leg }) => leg)).toEqual([
      ...['Database', 'DNS of the server', 'TLS', 'HTTPS', 'Router link (WebSocket)'],
      ...['Way through the server', 'guacd', `UDP to 127.0.0.1:${coturn.port}`],
      ...[`Relay by UDP (${coturn.urls[0]})`, `Relay by TCP (${coturn.urls[1]})`],
    ]);
    expect(JSON.stringify(reports)).not.toContain(coturn.secret);
  });

  test('a stopped guacd, another secret and a server that is not there are each named', async () => {
    const relay = { urls: coturn.urls, secret: 'some other secret of 32 characters', lifetimeSeconds: 60 };
    const publicUrl = `http://127.0.0.1:${nobodysPort}`;
    const { failed, of } = await diagnose({ relay, publicUrl }, nobodysPort);
    expect(failed).toBe(4);
    expect(of('guacd')).toMatchObject({ result: 'failed', next: expect.stringContaining('GUACD_HOST') });
    for (const way of ['UDP', 'TCP'])
      expect(of(`Relay by ${way}`)).toMatchObject({
        ...{ result: 'failed', note: 'the relay answered 401', next: expect.stringMatching(/same secret/) },
      });
    expect(of('UDP')?.result).toBe('ok');
    expect(of('HTTPS')).toMatchObject({ result: 'failed', note: 'ECONNREFUSED' });
    for (const leg of ['Router link', 'Way through'])
      expect(of(leg)).toMatchObject({ result: 'not reached', note: 'because of: HTTPS' });
  });

  test('a relay that is not there is named by each way, and what UDP does not reach is not asked', async () => {
    const port = nobodysPort;
    const urls = ['udp', 'tcp'].map((way) => `turn:127.0.0.1:${port}?transport=${way}`);
    const { of } = await diagnose({ relay: { urls, secret: coturn.secret, lifetimeSeconds: 60 } });
    const udp = `UDP to 127.0.0.1:${port}`;
    expect(of(udp)).toMatchObject({ result: 'failed', next: expect.stringMatching(/coturn.*UDP/) });
    expect(of('Relay by UDP')).toMatchObject({ result: 'not reached', note: `because of: ${udp}` });
    expect(of('Relay by TCP')).toMatchObject({
      ...{ result: 'failed', note: 'ECONNREFUSED', next: expect.stringMatching(/Start coturn.*TCP/) },
    });
  });

  test('the way through the server is switched off by its setting, and named when the server does not have that yet', async () => {
    expect((await diagnose({ throughServer: false })).of('Way through')).toMatchObject({
      ...{ result: 'not configured', next: expect.stringMatching(/RELAY_THROUGH_SERVER/) },
    });
    const without = await startTestServer({ throughServer: false });
    try {
      const { of } = await diagnose({ publicUrl: without.url, relay: null });
      expect(of('Router link')).toMatchObject({ result: 'ok' });
      expect(of('Way through')).toMatchObject({
        ...{
          result: 'failed',
          note: 'it was closed at once',
          next: expect.stringMatching(/restart the server/),
        },
      });
    } finally {
      await without.close();
    }
  });

  test('a name without an address is named, and nothing behind it is tested', async () => {
    const { of } = await diagnose({ publicUrl: 'https://nobody.invalid' });
    expect(of('DNS')).toMatchObject({ result: 'failed', next: 'Give its name an address.' });
    for (const leg of ['TLS', 'HTTPS', 'Router link', 'Way through'])
      expect(of(leg)).toMatchObject({ result: 'not reached', note: 'because of: DNS of the server' });
  });

  test('the certificate that the server made for itself is believed by whoever is told to', async () => {
    const https = await startTestServer({ tls: 'self-signed' });
    try {
      const asked = { tls: 'self-signed', publicUrl: https.url } as const;
      expect((await diagnose(asked)).of('TLS')).toMatchObject({ note: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
      trustSelfSigned(https.config.dataFolder);
      const { of } = await diagnose(asked);
      for (const leg of ['TLS', 'HTTPS', 'Router link', 'Way through'])
        expect(of(leg)).toMatchObject({ result: 'ok' });
    } finally {
      await https.close();
    }
  });

  test('certificates that nobody believes are named, of the server and of a relay by TLS', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-diagnose-'));
    const { certificate, key } = makeCertificate(folder);
    const [host, port] = ['127.0.0.1', await freePort()];
    const https = await startTestServer({ tls: { certificate, key } });
    for (const path of [folder, certificate, key]) chmodSync(path, 0o755);
    const settings = [`cert=${certificate}`, `pkey=${key}`, `tls-listening-port=${port}`];
    const withTls = await startCoturn({ settings });
    try {
      const urls = [...withTls.urls, `turns:${host}:${port}?transport=tcp`];
      const relay = { urls, secret: withTls.secret, lifetimeSeconds: 60 };
      const { of } = await diagnose({ publicUrl: https.url, relay });
      expect(of('TLS')).toMatchObject({ result: 'failed', note: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
      expect(of('HTTPS')).toMatchObject({ result: 'not reached' });
      expect(of('Relay by UDP')).toMatchObject({ result: 'ok' });
      expect(of('Relay by TLS')).toMatchObject({
        ...{ result: 'failed', note: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
        next: expect.stringMatching(/certificate that is good for its name/),
      });
    } finally {
      await Promise.all([https.close(), withTls.stop()]);
      rmSync(folder, { recursive: true });
    }
  });

  test('where each session has a guacd of its own, none is looked for here', async () => {
    const { failed, of } = await diagnose({}, null);
    expect(failed).toBe(0);
    expect(of('guacd')).toMatchObject({ result: 'not configured', note: 'no GUACD_HOST' });
  });

  test('without a relay that is said, and a database’s password never', async () => {
    const databaseUrl = `postgres://ada:hunter2@127.0.0.1:${nobodysPort}/none`;
    const { reports, of } = await diagnose({ relay: null, databaseUrl });
    expect(of('Relay')?.result).toBe('not configured');
    expect(of('Database')).toMatchObject({ result: 'failed', note: 'ECONNREFUSED' });
    expect(JSON.stringify(reports)).not.toContain('hunter2');
  });
});
