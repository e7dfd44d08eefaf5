import { generateKeyPairSync } from 'node:crypto';
import ssh2 from 'ssh2';
import { describe, expect, it } from 'vitest';
import { readKeyText } from '../../../gateway/ssh/key-text.ts';
import { readPrivateKey } from '../../../gateway/ssh/private-key.ts';
import { SessionFailure } from '../../../gateway/terminal/failure.ts';
import { newKeyPair } from '../../../scripts/demo/ssh-keys.ts';

const never = new AbortController().signal;
const pem = (type: 'pkcs1' | 'pkcs8' | 'sec1', locked?: { cipher: string; passphrase: string }) => ({
  publicKeyEncoding: { type: 'spki' as const, format: 'pem' as const },
  privateKeyEncoding: { type: type as 'pkcs8', format: 'pem' as const, ...locked },
});
const rsa = (type: 'pkcs1' | 'pkcs8', locked?: { cipher: string; passphrase: string }) =>
  generateKeyPairSync('rsa', { modulusLength: 2048, ...pem(type, locked) }).privateKey;
const ec = (namedCurve: string, type: 'sec1' | 'pkcs8') =>
  generateKeyPairSync('ec', { namedCurve, ...pem(type) }).privateKey;
const ed = (locked?: { cipher: string; passphrase: string }) =>
  generateKeyPairSync('ed25519', pem('pkcs8', locked)).privateKey;
const openSsh = (kind: 'ecdsa' | 'rsa', bits: number) =>
  ssh2.utils.generateKeyPairSync(kind, { bits } as never).private;
const openSshEd = (await newKeyPair('ed25519')).private;
const lockedOpenSshEd = (await newKeyPair('ed25519', 'right')).private;
const aes = { cipher: 'aes-256-cbc', passphrase: 'right' };

function typeOf(text: string): string {
  const parsed = ssh2.utils.parseKey(text);
  if (parsed instanceof Error) throw parsed;
  const key = Array.isArray(parsed) ? parsed[0] : parsed;
  return key.isPrivateKey() ? key.type : 'public';
}

async function codeOf(reading: Promise<string>): Promise<string> {
  try {
    await reading;
    return 'read';
  } catch (error) {
    if (error instanceof SessionFailure) return error.code;
    throw error;
  }
}

describe('reading a private key', () => {
  const plain: [string, string, string][] = [
    ['RSA, PKCS#1', rsa('pkcs1'), 'ssh-rsa'],
    ['RSA, PKCS#8', rsa('pkcs8'), 'ssh-rsa'],
    ['RSA, OpenSSH', openSsh('rsa', 2048), 'ssh-rsa'],
    ['P-256, SEC1', ec('P-256', 'sec1'), 'ecdsa-sha2-nistp256'],
    ['P-384, PKCS#8', ec('P-384', 'pkcs8'), 'ecdsa-sha2-nistp384'],
    ['P-521, OpenSSH', openSsh('ecdsa', 521), 'ecdsa-sha2-nistp521'],
    ['Ed25519, PKCS#8', ed(), 'ssh-ed25519'],
    ['Ed25519, OpenSSH', openSshEd, 'ssh-ed25519'],
  ];
  it.each(plain)('%s becomes what ssh2 takes', async (_, source, type) => {
    expect(typeOf(await readPrivateKey(source, undefined, never))).toBe(type);
  });

  it.each(plain)('%s survives Windows line ends and stray space', async (_, source, type) => {
    const pasted = `\r\n  ${source.trim().replaceAll('\n', '\r\n')}\r\n\r\n`;
    expect(typeOf(await readPrivateKey(pasted, undefined, never))).toBe(type);
  });

  it('signs the same whatever form it came in', () => {
    const source = ed();
    const read = readKeyText(source);
    const parsed = 'text' in read ? ssh2.utils.parseKey(read.text) : new Error('unread');
    const key = Array.isArray(parsed) ? parsed[0] : parsed;
    if (!key || key instanceof Error) throw new Error('unread');
    const message = Buffer.from('message');
    expect(key.verify(message, key.sign(message))).toBe(true);
  });

  it.each([
    ['RSA, PKCS#1', rsa('pkcs1', { cipher: 'aes-128-cbc', passphrase: 'right' })],
    ['RSA, PKCS#8', rsa('pkcs8', aes)],
    ['Ed25519, PKCS#8', ed(aes)],
    ['Ed25519, OpenSSH', lockedOpenSshEd],
  ])('%s opens with its passphrase only', async (_, source) => {
    expect(await codeOf(readPrivateKey(source, 'right', never))).toBe('read');
    expect(await codeOf(readPrivateKey(source, 'wrong', never))).toBe('passphrase-wrong');
    expect(await codeOf(readPrivateKey(source, '', never))).toBe('passphrase-wrong');
    expect(await codeOf(readPrivateKey(source, undefined, never))).toBe('passphrase-wrong');
  });

  it.each([
    ['nothing', ''],
    ['prose', 'my key is under the mat'],
    ['a public key', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVl'],
    ['a cut OpenSSH key', openSshEd.slice(0, 150) + '\n-----END OPENSSH PRIVATE KEY-----'],
    ['a cut PEM key', rsa('pkcs1').slice(0, 400)],
    [
      'a DSA key',
      generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160, ...pem('pkcs8') }).privateKey,
    ],
    ['a whole disk', 'x'.repeat(100_000)],
  ])('%s is unreadable', async (_, source) => {
    expect(await codeOf(readPrivateKey(source, undefined, never))).toBe('key-unreadable');
    expect(await codeOf(readPrivateKey(source, 'passphrase', never))).toBe('key-unreadable');
  });

  it('gives up when its owner does', async () => {
    const owner = new AbortController();
    const reading = readPrivateKey(lockedOpenSshEd, 'right', owner.signal);
    owner.abort();
    await expect(reading).rejects.toThrow();
  });
});
