import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Installation } from '../../fakes/installation.ts';
import type { TlsIdentity } from '../../fakes/router.ts';
import { makeCertificate } from '../../fixtures/certificate.ts';

const target = { host: '127.0.0.1', port: 9, username: 'ada', password: 'unused' };

let folder: string;
let identity: TlsIdentity;
let other: TlsIdentity;
let made: Installation;

function selfSigned(name: string): TlsIdentity {
  const { certificate, key } = makeCertificate(join(folder, name));
  return { cert: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') };
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-tls-'));
  identity = selfSigned('server');
  other = selfSigned('other');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(async () => void (made = await Installation.make(target, identity)));
afterEach(() => made.stop());

describe('a server with a certificate of its own authority', () => {
  test('is believed by a gateway that was given the authority, for requests and for the link', async () => {
    await made.enrol(identity.cert);
    await made.start({ SALLYPORT_GATEWAY_CA: join(folder, 'server', 'certificate.pem') });
    expect(made.router.proofs).toHaveLength(1);
  });

  test.each([
    ['no authority', () => null],
    ['another authority', () => other.cert],
  ])('is not believed with %s, and the token stays unused', async (_, authority) => {
    await expect(made.enrol(authority())).rejects.toThrow(/SELF_SIGNED|VERIFY/);
    expect(made.router.client?.publicKey).toBeNull();
  });
});
