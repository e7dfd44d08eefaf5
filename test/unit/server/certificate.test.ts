import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadCertificate } from '../../../server/tls/certificate.ts';
import { namesOf, provideSelfSigned } from '../../../server/tls/self-signed.ts';
import { makeCertificate, type TestCertificate } from '../../fixtures/certificate.ts';

const day = 24 * 60 * 60_000;
let now: number; // when the certificate has begun
let folder: string;
let files: TestCertificate;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-certificate-'));
  files = makeCertificate(join(folder, 'own'));
  now = Date.now();
});
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, text: string) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

describe('a certificate that is given', () => {
  test('is loaded with its fingerprint and its end', () => {
    const loaded = loadCertificate(files, now);
    expect(loaded.key).toBe(readFileSync(files.key, 'utf8'));
    expect(loaded.fingerprint).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
    expect(loaded.until).toBeGreaterThan(now);
  });

  test('is refused with the setting, the file and the cause', () => {
    const other = makeCertificate(join(folder, 'other'));
    const locked = join(folder, 'locked.pem');
    const cipher = ['pkcs8', '-topk8', '-v2', 'aes-256-cbc', '-passout', 'pass:secret-6621'];
    execFileSync('openssl', [...cipher, '-in', files.key, '-out', locked]);
    const { certificate, key } = files;
    const cases: [TestCertificate, number, string][] = [
      [
        { certificate: join(folder, 'no.pem'), key },
        now,
        'TLS_CERT: cannot read .*no.pem: there is no such file',
      ],
      [{ certificate, key: folder }, now, 'TLS_KEY: cannot read .*: it is a folder'],
      [{ certificate: file('text', 'none'), key }, now, 'TLS_CERT: .*text is not a PEM file'],
      [{ certificate: key, key: certificate }, now, 'TLS_CERT: .*key.pem holds no certificate first'],
      [{ certificate, key: certificate }, now, 'TLS_KEY: .*certificate.pem holds no private key$'],
      [{ certificate, key: locked }, now, 'TLS_KEY: .* that opens without a passphrase'],
      [{ certificate, key: other.key }, now, 'TLS_KEY: .* is not the key of the certificate in'],
      [files, now + 2 * day, 'TLS_CERT: .* ended on 20..-..-..: renew it'],
      [files, now - 2 * day, 'TLS_CERT: .* begins on 20..-..-..: is this machine'],
    ];
    for (const [given, at, message] of cases)
      expect(() => loadCertificate(given, at)).toThrow(new RegExp(`^${message}`));
    const quoted = readFileSync(key, 'utf8').split('\n')[1] ?? '-';
    expect(() =>
      loadCertificate({ certificate, key: file('cut', `-----BEGIN X-----\n${quoted}`) }, now),
    ).toThrow(expect.objectContaining({ message: expect.not.stringContaining(quoted) }));
  });
});

describe('a certificate of the server’s own', () => {
  const reached = { host: '127.0.0.1', publicUrl: 'https://vault.example.test:8443' };
  const make = (changes = {}, at = now) => provideSelfSigned(folder, { ...reached, ...changes }, at);

  test('is made once, for every name of the machine, and nobody else can read it', async () => {
    const made = await make();
    const { certificate, fingerprint } = loadCertificate(made, now);
    const parsed = new X509Certificate(certificate);
    for (const name of ['localhost', 'vault.example.test', hostname()])
      expect(parsed.checkHost(name)).toBe(name);
    for (const address of ['127.0.0.1', '::1']) expect(parsed.checkIP(address)).toBe(address);
    expect(parsed.checkHost('other.example.test')).toBeUndefined();
    expect(parsed.ca).toBe(false); // who trusts it trusts nothing else
    for (const path of Object.values(made)) expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(loadCertificate(await make(), now).fingerprint).toBe(fingerprint);
    const openssl = ['verify', '-CAfile', made.certificate, '-purpose', 'sslserver', made.certificate];
    expect(execFileSync('openssl', openssl, { encoding: 'utf8' })).toContain('OK');
  });

  test('is made anew when it ends, is damaged, or the server got another name', async () => {
    const seen = new Set<string>();
    const note = async (changes = {}, at = now) =>
      seen.add(loadCertificate(await make(changes, at), at).fingerprint).size;
    expect(await note()).toBe(1);
    expect(await note({ publicUrl: 'https://other.example.test' })).toBe(2);
    expect(await note({ publicUrl: 'https://other.example.test' }, now + 900 * day)).toBe(3);
    writeFileSync((await make({ publicUrl: null })).key, files.key);
    expect(await note({ publicUrl: null })).toBe(4);
    expect(await note({ host: '192.0.2.7', publicUrl: null })).toBe(5);
  });

  test('names each address of a machine that listens on all of them', () => {
    expect(namesOf({ host: '0.0.0.0', publicUrl: null })).not.toContain('0.0.0.0');
    expect(namesOf({ host: '::', publicUrl: 'https://[::1]:9' })).toContain('::1');
    expect(namesOf({ host: '192.0.2.7', publicUrl: null })).toContain('192.0.2.7');
  });
});
