import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { get } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { verifyServerKeys } from '../../../protocol/transmission/server-keys.ts';
import { readConfig } from '../../../server/config.ts';
import { makeCertificate, type TestCertificate } from '../../fixtures/certificate.ts';
import { openVaultLink } from '../../fixtures/link-client.ts';
import { startTestServer } from '../../fixtures/server.ts';

let folder: string;
let files: TestCertificate;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-tls-'));
  files = makeCertificate(folder);
});
afterAll(() => rmSync(folder, { recursive: true }));

test('with TLS_CERT and TLS_KEY the server speaks TLS itself: pages, calls and links', async () => {
  const { certificate: TLS_CERT, key: TLS_KEY } = files;
  const ca = readFileSync(TLS_CERT);
  const server = await startTestServer({ tls: readConfig({ TLS_CERT, TLS_KEY }).tls });
  const read = async (path: string) => {
    const request = get(`${server.url}${path}`, { ca, agent: false });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return { status: response.statusCode, headers: response.headers, body: await buffer(response) };
  };
  try {
    expect(server.url).toBe(`https://127.0.0.1:${server.port}`);
    const { status, headers } = await read('/healthz');
    expect(status).toBe(200);
    expect(headers['strict-transport-security']).toContain('max-age=');
    const keys = await read('/api/v1/server-keys');
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
