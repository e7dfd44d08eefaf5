import { createPrivateKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import ssh2 from 'ssh2';
import { encodeEd25519 } from './openssh-ed25519.ts';

/** Outcome of reading a private key: the text that ssh2 takes, or what is in the way. */
export type KeyText = { readonly text: string } | { readonly problem: 'encrypted' | 'unreadable' };

/**
 * Reads a private key in any of the usual forms and writes it as ssh2 takes it: RSA as PKCS#1, ECDSA as SEC1,
 * Ed25519 in OpenSSH's format. Slow for an encrypted key (bcrypt, PBKDF2): those belong into a worker thread.
 */
export function readKeyText(source: string, passphrase?: string): KeyText {
  const trimmed = source.trim().replaceAll('\r\n', '\n');
  const foreign = trimmed.startsWith('-----BEGIN OPENSSH') || trimmed.startsWith('PuTTY-User-Key-File');
  return foreign ? readOpenSsh(trimmed, passphrase) : readPem(trimmed, passphrase);
}

function readOpenSsh(source: string, passphrase: string | undefined): KeyText {
  const parsed: unknown = ssh2.utils.parseKey(source, passphrase);
  if (parsed instanceof Error)
    return { problem: /passphrase|encrypted/i.test(parsed.message) ? 'encrypted' : 'unreadable' };
  const key: unknown = Array.isArray(parsed) ? parsed[0] : parsed;
  return isPrivate(key) ? readPem(key.getPrivatePEM(), undefined) : { problem: 'unreadable' };
}

function isPrivate(key: unknown): key is ssh2.ParsedKey {
  return (
    typeof key === 'object' && key !== null && 'isPrivateKey' in key && (key as ssh2.ParsedKey).isPrivateKey()
  );
}

function readPem(source: string, passphrase: string | undefined): KeyText {
  try {
    const key = createPrivateKey(passphrase === undefined ? source : { key: source, passphrase });
    return write(key);
  } catch (error) {
    return { problem: isAboutPassphrase(error) ? 'encrypted' : 'unreadable' };
  }
}

function isAboutPassphrase(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /PASSPHRASE|BAD_DECRYPT|INTERRUPTED_OR_CANCELLED|BAD_PASSWORD/.test(code);
}

function write(key: KeyObject): KeyText {
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return { text: key.export({ type: 'pkcs1', format: 'pem' }).toString() };
    case 'ec':
      return { text: key.export({ type: 'sec1', format: 'pem' }).toString() };
    case 'ed25519':
      return { text: encodeEd25519(key) };
    default:
      return { problem: 'unreadable' };
  }
}
