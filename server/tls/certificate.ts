// The server's certificate and key: two PEM files, and what is wrong with them when something is.
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** PEM files: a certificate with those above it, and its private key. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

export interface LoadedCertificate {
  /** PEM texts, as TLS takes them. */
  readonly certificate: string;
  readonly key: string;
  /** SHA-256 of the certificate, hexadecimal with colons. */
  readonly fingerprint: string;
  /** When it ends. */
  readonly until: number;
}

export type CertificateSetting = 'TLS_CERT' | 'TLS_KEY';

/** Names the setting, the file and the cause: shown to the person as it is. Never quotes what is in the file. */
export class CertificateError extends Error {
  readonly setting: CertificateSetting;
  readonly problem: string;

  constructor(setting: CertificateSetting, problem: string) {
    super(`${setting}: ${problem}`);
    this.name = 'CertificateError';
    this.setting = setting;
    this.problem = problem;
  }
}

/** Throws {@link CertificateError} for files that cannot be read or do not belong together, and outside the certificate's time. */
export function loadCertificate({ certificate, key }: CertificateFiles, now: number): LoadedCertificate {
  const texts = { certificate: readPem('TLS_CERT', certificate), key: readPem('TLS_KEY', key) };
  const parsed = parseCertificate(certificate, texts.certificate);
  if (!parsed.checkPrivateKey(parseKey(key, texts.key)))
    throw new CertificateError('TLS_KEY', `${key} is not the key of the certificate in ${certificate}`);
  const [from, until] = [Date.parse(parsed.validFrom), Date.parse(parsed.validTo)];
  if (until <= now)
    throw new CertificateError(
      'TLS_CERT',
      `the certificate in ${certificate} ended on ${dayOf(until)}: renew it`,
    );
  if (from > now)
    throw new CertificateError(
      'TLS_CERT',
      `the certificate in ${certificate} begins on ${dayOf(from)}: is this machine's clock right?`,
    );
  return { ...texts, fingerprint: parsed.fingerprint256, until };
}

/** A file that is there, and PEM. Throws {@link CertificateError}. */
export function readPem(setting: CertificateSetting, path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new CertificateError(setting, `cannot read ${path}: ${causeOf(error)}`);
  }
  if (!text.includes('-----BEGIN ')) throw new CertificateError(setting, `${path} is not a PEM file`);
  return text;
}

function parseCertificate(path: string, text: string): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch {
    throw new CertificateError('TLS_CERT', `${path} holds no certificate first`);
  }
}

function parseKey(path: string, text: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch {
    const locked = text.includes('ENCRYPTED') ? ' that opens without a passphrase' : '';
    throw new CertificateError('TLS_KEY', `${path} holds no private key${locked}`);
  }
}

const causes: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'the user of the server may not read it',
  EISDIR: 'it is a folder',
};

function causeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return causes[code] ?? (code || 'it failed');
}

/** As people and logs read it. */
export function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
