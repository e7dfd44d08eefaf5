// By which certificate the server speaks TLS, if it does.
import type { Server as HttpServer } from 'node:http';
import type { Server } from 'node:https';
import type { Config } from '../config.ts';
import type { Logger } from '../log/logger.ts';
import { dayOf, loadCertificate, type CertificateFiles, type LoadedCertificate } from './certificate.ts';
import { CertificateRenewal } from './renewal.ts';
import { provideSelfSigned } from './self-signed.ts';

export interface ServerCertificate {
  readonly files: CertificateFiles;
  readonly loaded: LoadedCertificate;
  /** What people are told of one that the server made for itself; null: somebody vouches for it. */
  readonly selfSigned: SelfSigned | null;
}

export interface SelfSigned {
  /** SHA-256, hexadecimal with colons. */
  readonly fingerprint: string;
  /** PEM: what clients are told to trust. */
  readonly file: string;
}

/** Null: it does not. Throws CertificateError, and for a data folder that cannot be written. */
export async function provideCertificate(
  config: Config,
  now = Date.now(),
): Promise<ServerCertificate | null> {
  if (config.tls === null) return null;
  if (config.tls !== 'self-signed')
    return { files: config.tls, loaded: loadCertificate(config.tls, now), selfSigned: null };
  const files = await provideSelfSigned(config.dataFolder, config, now);
  const loaded = loadCertificate(files, now);
  return { files, loaded, selfSigned: { fingerprint: loaded.fingerprint, file: files.certificate } };
}

/** From now on until it is closed. With a certificate Fastify's server is one of TLS; its type says HTTP. */
export function followCertificate(
  server: HttpServer,
  { files, loaded }: ServerCertificate,
  log: Logger,
): CertificateRenewal {
  const renewal = new CertificateRenewal({ server: server as unknown as Server, files, loaded, log });
  renewal.start();
  log.info({ event: 'certificate', fingerprint: loaded.fingerprint, until: dayOf(loaded.until) });
  return renewal;
}
