// A certificate of the server's own, for development: nobody vouches for it, whoever is to trust it is told to.
import { X509Certificate } from 'node:crypto';
import { chmodSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { dirname, join } from 'node:path';
import 'reflect-metadata'; // before the next, which needs it and leaves it to its user
import * as x509 from '@peculiar/x509';
import { loadCertificate, type CertificateFiles } from './certificate.ts';

/** What browsers bear at most of certificates that people trusted themselves. */
const lifetimeMs = 825 * 24 * 60 * 60_000;
/** Begun a little before now, for clients whose clocks are behind. */
const skewMs = 60 * 60_000;

export interface Reached {
  /** Where it listens; an address of all networks stands for each of this machine's. */
  readonly host: string;
  readonly publicUrl: string | null;
}

/**
 * Files in the data folder, of mode 0600: made once, and again when they end, are damaged, or lack a name by which the
 * server is reached now. Throws when the folder cannot be written.
 */
export async function provideSelfSigned(
  dataFolder: string,
  reached: Reached,
  now: number,
): Promise<CertificateFiles> {
  const files = selfSignedFiles(dataFolder);
  const names = namesOf(reached);
  if (isGood(files, requiredOf(reached), now)) return files;
  const made = await makeCertificate(names, now);
  mkdirSync(dirname(files.key), { recursive: true, mode: 0o700 });
  replaceFile(files.key, made.key);
  replaceFile(files.certificate, made.certificate);
  return files;
}

/** Where they are, made or not. */
export function selfSignedFiles(dataFolder: string): CertificateFiles {
  const folder = join(dataFolder, 'self-signed');
  return { certificate: join(folder, 'certificate.pem'), key: join(folder, 'key.pem') };
}

/** By name or address: this machine's own, and where it was told that it is reached. */
export function namesOf({ host, publicUrl }: Reached): readonly string[] {
  const addresses = isEverywhere(host) ? ownAddresses() : [];
  return [...new Set([...requiredOf({ host, publicUrl }), hostname().toLowerCase(), ...addresses])];
}

/** Those without which it would be of no use: networks come and go. */
function requiredOf({ host, publicUrl }: Reached): readonly string[] {
  const named = publicUrl ? new URL(publicUrl).hostname.replace(/^\[|\]$/g, '') : null;
  return [
    ...new Set([
      ...['localhost', '127.0.0.1', '::1'],
      ...(named ? [named] : []),
      ...(isEverywhere(host) ? [] : [host]),
    ]),
  ];
}

function isEverywhere(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.map(({ address }) => address).filter((address) => !address.startsWith('fe80:'));
}

function isGood(files: CertificateFiles, names: readonly string[], now: number): boolean {
  try {
    const { certificate } = loadCertificate(files, now);
    const parsed = new X509Certificate(certificate);
    return names.every((name) => (isIP(name) ? parsed.checkIP(name) : parsed.checkHost(name)) !== undefined);
  } catch {
    return false;
  }
}

/** For servers alone: it vouches for no other certificate, so that trusting it trusts nothing else. */
async function makeCertificate(names: readonly string[], now: number) {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=Sallyport development',
    notBefore: new Date(now - skewMs),
    notAfter: new Date(now + lifetimeMs),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isIP(value) ? ('ip' as const) : ('dns' as const), value })),
      ),
    ],
  });
  const key = new Uint8Array(await crypto.subtle.exportKey('pkcs8', keys.privateKey));
  return {
    certificate: `${certificate.toString('pem')}\n`,
    key: `${x509.PemConverter.encode(key, 'PRIVATE KEY')}\n`,
  };
}

/** Whole or not at all, and never for anybody else to read. */
function replaceFile(path: string, text: string): void {
  const unfinished = `${path}.new`;
  writeFileSync(unfinished, text, { mode: 0o600 });
  chmodSync(unfinished, 0o600);
  renameSync(unfinished, path);
}
